"""Saliency against lesions: drawn maps whose agreement with drawn lesions is known."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from drawn import draw_fundus

from fusion.audit.figures import Result, measure
from fusion.audit.saliency import (
    SPECS,
    Scene,
    ceiling,
    centre,
    check_map,
    edges,
    mass_share,
    measure_saliency,
    moved,
    pointing,
    rank_accuracy,
    seen,
    spread,
    uniform,
    within,
)
from fusion.grid import Grid
from retinai.errors import SaliencyError
from retinai.fit import Fit

FIELD = np.ones((40, 50), np.bool_)
MASK = np.zeros((40, 50), np.bool_)
MASK[10:20, 10:20] = True  # 100 of 2,000 pixels


def test_mass_and_rank_of_maps_made_by_hand() -> None:
    half = np.zeros((40, 50))
    half[10:20, 10:15] = 1  # on the lesion
    half[30:40, 40:45] = 1  # off it
    assert mass_share(half, MASK, FIELD) == 0.5
    assert rank_accuracy(half, MASK, FIELD) == 0.5
    assert mass_share(MASK.astype(float), MASK, FIELD) == 1
    assert rank_accuracy(MASK.astype(float), MASK, FIELD) == 1
    assert mass_share((~MASK).astype(float), MASK, FIELD) == 0


def test_a_constant_map_has_the_lesions_share_of_the_retina() -> None:
    assert mass_share(uniform(FIELD), MASK, FIELD) == pytest.approx(0.05)
    assert rank_accuracy(uniform(FIELD), MASK, FIELD) == pytest.approx(0.05)
    assert pointing(uniform(FIELD), MASK, FIELD) == pytest.approx(0.05)


def test_an_empty_mask_is_neither_hit_nor_missed() -> None:
    empty = np.zeros_like(MASK)
    found = measure_saliency(centre(FIELD), Scene(np.zeros((40, 50, 3), np.uint8), FIELD, empty))
    assert all(np.isnan(value) for value in found["product"].values())


def test_pointing_is_tolerant_by_so_many_pixels() -> None:
    point = np.zeros((40, 50))
    point[15, 22] = 1  # three pixels right of the lesion's last column
    assert pointing(point, within(MASK, 2), FIELD) == 0
    assert pointing(point, within(MASK, 3), FIELD) == 1


@pytest.mark.parametrize(
    ("plane", "words"),
    [
        (np.zeros((40, 50)), "blank"),
        (np.full((40, 50), 0.3), "the same everywhere"),
        (np.full((40, 50), np.nan), "not finite"),
        (np.linspace(-1, 1, 2000).reshape(40, 50), "negative"),
    ],
)
def test_a_dead_layer_is_refused(plane: np.ndarray, words: str) -> None:
    with pytest.raises(SaliencyError, match=words):
        check_map(plane, FIELD)


def test_the_ceiling_is_reached_by_the_best_cell_and_passed_by_no_map() -> None:
    field = np.ones((96, 96), np.bool_)
    mask = np.zeros_like(field)
    mask[40:46, 60:66] = True
    grid = Grid.of(Fit.of(field, 48), 6)
    top = ceiling(mask, field, grid)
    cells = np.zeros((6, 6))
    cells[2, 3] = 1
    assert mass_share(spread(cells, grid), mask, field) == pytest.approx(top, abs=1e-6)
    rng = np.random.default_rng(0)
    assert all(mass_share(spread(rng.random((6, 6)) ** 8, grid), mask, field) < top for _ in range(50))
    assert 0.05 < top < 36 / 16**2 * 2
    assert ceiling(mask, field, None) == 1


def test_a_grid_spreads_as_the_photograph_fit_does() -> None:
    field = np.zeros((60, 90), np.bool_)
    field[5:55, 10:80] = True
    fit = Fit.of(field, 32)
    cells = np.random.default_rng(1).random((8, 8)).astype(np.float32)
    native = fit.invert(cv2.resize(cells, (32, 32), interpolation=cv2.INTER_LINEAR))
    assert np.abs(spread(cells, Grid.of(fit, 8)) - native).max() < 1e-5


def test_a_lesion_of_30_px_gets_at_most_two_percent_of_a_coarse_map() -> None:
    """30 px of a field 3,400 px wide, drawn at a fifth of that size, in the worst place: where four of 24x24 cells meet."""
    field = np.ones((680, 680), np.bool_)
    mask = np.zeros_like(field)
    mask[337:343, 337:343] = True
    assert 0.01 < ceiling(mask, field, Grid.of(Fit.of(field, 680), 24)) < 0.02


def test_faithful_beats_every_null_and_an_edge_map_is_its_own_null() -> None:
    pixels, masks = draw_fundus()
    field = pixels.max(axis=2) > 0
    lesions = masks["HE"] | masks["EX"]
    grid = Grid.of(Fit.of(field, 96), 12)
    scene = Scene(pixels, field, lesions, grid, (centre(field), field))
    faithful = measure_saliency(seen(lesions.astype(np.float32), field, grid), scene)
    for null in ("null:uniform", "null:centre", "null:edges", "null:another"):
        for name in ("lift", "rank", "pointing"):
            assert faithful["product"][name] >= faithful[null][name]
        assert faithful["product"]["lift"] > 1.5 * faithful[null]["lift"]
    assert faithful["product"]["lift"] <= faithful["oracle"]["lift"] + 1e-6
    cheat = measure_saliency(seen(edges(pixels, field), field, grid), scene)
    assert cheat["product"] == cheat["null:edges"]
    result = [Result("a", "saliency", source, numbers) for source, numbers in cheat.items()]
    lift = measure(SPECS[0], result, resamples=10)
    assert lift.closed is not None and lift.closed <= 0 and lift.row == 8


def test_edges_leave_the_rim_out() -> None:
    pixels, _ = draw_fundus()
    field = pixels.max(axis=2) > 0
    flat = np.where(field[..., None], np.uint8(90), np.uint8(0)).repeat(3, axis=2)
    assert edges(flat, field).max() == 0
    assert edges(pixels, field).max() > 0


def test_another_photographs_map_is_stretched_onto_this_field() -> None:
    small = np.zeros((20, 20), np.bool_)
    small[5:15, 5:15] = True
    plane = np.zeros((20, 20), np.float32)
    plane[5:10, 5:15] = 1  # the upper half
    there = moved(plane, small, FIELD)
    assert there[:18].min() == 1 and there[22:].max() == 0
