"""Sanity: an edge map and a dead layer as explainers are named, a faithful one is not."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from drawn import draw_fundus

from fusion.audit.curves import random_map
from fusion.audit.figures import Numbers, Result, measure
from fusion.audit.saliency import edges
from fusion.audit.sanity import SPECS, is_dead, measure_sanity, similarity
from fusion.audit.verdicts import verdicts

PIXELS, MASKS = draw_fundus()
FIELD = PIXELS.max(axis=2) > 0


def _flagged(*found: Mapping[str, Numbers]) -> list[str]:
    rows = [Result(str(i), "sanity", "product", each["product"]) for i, each in enumerate(found)]
    return [verdict.name for verdict in verdicts([measure(spec, rows, resamples=5) for spec in SPECS]) if verdict.flagged]


def test_similarity_is_of_ranks() -> None:
    plane = random_map(FIELD, seed=1)
    assert similarity(plane, plane, FIELD) == pytest.approx(1)
    assert similarity(plane, np.asarray(plane) ** 3, FIELD) > 0.98
    assert similarity(plane, np.where(FIELD, 1 - np.asarray(plane), 0), FIELD) < -0.98
    assert abs(similarity(plane, random_map(FIELD, seed=2), FIELD)) < 0.15
    assert similarity(plane, np.zeros(FIELD.shape), FIELD) == 0


def test_a_dead_map() -> None:
    assert is_dead(None, FIELD) and is_dead(np.zeros(FIELD.shape), FIELD) and is_dead(np.full(FIELD.shape, 0.2), FIELD)
    assert not is_dead(random_map(FIELD), FIELD)


def test_an_edge_detector_fails_by_name() -> None:
    steep = edges(PIXELS, FIELD)
    found = measure_sanity(steep, PIXELS, FIELD, randomised=[steep, steep], permuted=[steep])
    assert found["product"] == {"dead": 0, "edges": pytest.approx(1), "weights": pytest.approx(1), "labels": pytest.approx(1)}
    assert _flagged(found) == ["edge-map saliency", "blind to the weights", "blind to the answer"]


def test_a_dead_layer_fails_by_name() -> None:
    found = measure_sanity(np.zeros(FIELD.shape), PIXELS, FIELD, randomised=[random_map(FIELD)])
    assert found == {"product": {"dead": 1.0}}
    assert _flagged(found, found) == ["dead layer"]


def test_a_map_that_goes_with_its_weights_is_not_accused() -> None:
    own = random_map(FIELD, seed=1)
    found = measure_sanity(own, PIXELS, FIELD, randomised=[random_map(FIELD, seed=2), None], permuted=[random_map(FIELD, seed=3)])
    assert _flagged(found) == []
    assert abs(found["product"]["weights"]) < 0.15


def test_what_was_not_measured_accuses_nobody() -> None:
    found = measure_sanity(random_map(FIELD), PIXELS, FIELD)
    assert set(found["product"]) == {"dead", "edges"}
    assert _flagged(found) == []
