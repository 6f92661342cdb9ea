"""Rows 2 and 4 on drawn scenes: cited pixels, counts by quadrant, ETDRS fields."""

from __future__ import annotations

import numpy as np
import pytest
from drawn_truth import LANDMARKS, SIZE, spots, truth

from fusion.audit import counts, spatial
from fusion.audit.counts import CELLS, FIELDS, PRIOR, counts_of, etdrs_fields, measure_counts, occupied
from fusion.audit.figures import ORACLE, PRODUCT, Figure, Numbers, Result, measure
from fusion.audit.spatial import RANDOM, WHOLE, cited_pixels, measure_spatial
from fusion.audit.truth import Truth
from fusion.audit.verdicts import verdicts
from retinai.types import Landmarks

SCENE = truth(spots("HE", "superotemporal", 4), spots("EX", "inferonasal", 2))
"""Four haemorrhages of 36 px and two exudates of 36 px."""


def cite(found: Truth) -> dict[str, Numbers]:
    return measure_spatial(cited_pixels(found.regions, {lesion.id for lesion in found.regions.lesions}), SCENE, "p")


def figures(module: object, found: dict[str, Numbers]) -> dict[str, Figure]:
    metric, specs = module.METRIC, module.SPECS  # type: ignore[attr-defined]
    results = [Result(name, metric, source, numbers) for name in ("a", "b") for source, numbers in found.items()]
    return {spec.name: measure(spec, results, 20) for spec in specs}


def test_half_of_a_lesion_and_a_wrong_class() -> None:
    half = truth(("HE", [(174, 174, 3), (174, 177, 3)]), ("SE", [(220, 220, 20)]))  # half of the first haemorrhage; soft for hard
    own = cite(half)[PRODUCT]
    assert (own["cited"], own["hit"], own["true"]) == (18 + 400, 18, 6 * 36)
    assert (own["lesions_cited"], own["lesions_right"], own["lesions_true"], own["lesions_found"]) == (2, 1, 6, 1)
    assert own["hit_HE"] == 18 and own["hit_EX"] == 0 and own["cited_SE"] == 400


def test_the_true_masks_are_the_oracle() -> None:
    found = figures(spatial, cite(SCENE))
    assert found["spatial_precision"].value == found["spatial_recall"].value == found["spatial_precision"].oracle == 1.0
    assert found["true_lesions_cited"].value == 1.0 and found["true_lesions_cited"].n == 12


def test_the_whole_image_is_a_null_and_whoever_cites_it_is_flagged() -> None:
    everything = {code: [np.arange(SIZE * SIZE)] if code in ("HE", "EX") else [] for code in ("MA", "HE", "EX", "SE")}
    found = measure_spatial(everything, SCENE, "p")
    assert found[WHOLE] == found[PRODUCT]
    precision = figures(spatial, found)["spatial_precision"]
    assert precision.value == pytest.approx(6 * 36 / (2 * SIZE * SIZE))
    flagged = {v.name: v.flagged for v in verdicts([precision])}
    assert flagged["whole-image citer"] is True
    honest = {v.name: v.flagged for v in verdicts([figures(spatial, cite(SCENE))["spatial_precision"]])}
    assert honest["whole-image citer"] is False


def test_a_random_place_is_as_large_and_the_same_every_time() -> None:
    first, again = cite(SCENE)[RANDOM], cite(SCENE)[RANDOM]
    assert first == again and first["lesions_cited"] == 6
    assert 0 < first["cited"] <= 6 * 36 and first["hit"] < 36


def test_nothing_cited_is_no_precision() -> None:
    found = figures(spatial, measure_spatial({code: [] for code in ("MA", "HE", "EX", "SE")}, SCENE, "p"))
    assert np.isnan(found["spatial_precision"].value) and found["spatial_recall"].value == 0.0


def test_counts_by_quadrant() -> None:
    found = dict(zip(CELLS, counts_of(SCENE.facts.lesions), strict=True))
    assert found["HE", "superotemporal"] == 4 and found["EX", "inferonasal"] == 2 and sum(found.values()) == 6


@pytest.mark.parametrize(
    ("x", "y", "field"),
    [
        (200, 200, "centre"), (219, 200, "centre"), (240, 201, "inner nasal"), (160, 199, "inner temporal"), (205, 150, "inner superior"),
        (205, 250, "inner inferior"), (300, 200, "outer nasal"), (100, 200, "outer temporal"), (200, 90, "outer superior"),
    ],
)  # fmt: skip
def test_etdrs_fields_of_a_right_eye(x: int, y: int, field: str) -> None:
    """A disc diameter of 60 px: rings at 20, 60 and 120 px around (200, 200)."""
    assert etdrs_fields(np.array([y * SIZE + x]), SIZE, LANDMARKS) == {field}


def test_etdrs_fields_end_at_two_disc_diameters_and_need_landmarks() -> None:
    assert etdrs_fields(np.array([200 * SIZE + 330]), SIZE, LANDMARKS) == set()
    assert etdrs_fields(np.array([200 * SIZE + 200]), SIZE, Landmarks()) == set()
    left = Landmarks((80.0, 200.0), 60.0, 0.9, (200.0, 200.0), 0.8, "left")
    assert etdrs_fields(np.array([200 * SIZE + 240]), SIZE, left) == {"inner temporal"}


def test_miscounts_fields_and_more_than_20_against_the_prior() -> None:
    many = truth(spots("HE", "superotemporal", 25), spots("HE", "inferonasal", 3))
    few = truth(spots("HE", "superotemporal", 15), spots("HE", "inferonasal", 3))
    pair = {name: (counts_of(s.facts.lesions), occupied(s.regions, s.landmarks)) for name, s in (("many", many), ("few", few))}
    found = measure_counts(pair["few"], pair["many"], [pair["many"], pair["many"]])
    assert (found[PRODUCT]["off"], found[PRODUCT]["counted"]) == (10, 28)
    assert (found[PRODUCT]["many_agree"], found[PRODUCT]["many_true"]) == (3, 1)
    assert found[PRIOR]["off"] == 0 == found[ORACLE]["off"]
    named = figures(counts, found)
    assert named["count_error"].value == pytest.approx(10 / 28) and named["count_error"].better == "lower"
    assert named["more_than_20"].value == 0.75 and named["etdrs9_f1"].oracle == 1.0


def test_the_fields_f1_is_that_of_sets() -> None:
    said, true = np.zeros(36, np.bool_), np.zeros(36, np.bool_)
    said[[0, 1]], true[[1, 2, 3]] = True, True
    found = measure_counts((np.zeros(16), said), (np.ones(16), true), [])
    assert figures(counts, found)["etdrs9_f1"].value == pytest.approx(2 * 1 / 5)
    assert len(FIELDS) == 9 and PRIOR not in found
