"""Saliency at lesions: shares of known maps, and ceilings that no map of the grid can pass."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusion.attribution import Weighed, attributed, tabulate
from fusion.grid import Grid
from retinai.fit import Fit
from retinai.types import Claim, Lesion, Place, SaliencyMap
from tests.drawn_lesions import any_lesions

FIELD = np.zeros((60, 100), np.bool_)
FIELD[5:55, 10:90] = True
PIXELS = {"HE-1": np.array([20 * 100 + 30, 20 * 100 + 31]), "HE-2": np.arange(40 * 100 + 60, 40 * 100 + 68), "EX-1": np.array([0])}
SIDE, CELLS = 32, 4


def weighed(values: np.ndarray, cells: int | None = None) -> Weighed:
    found = Weighed.of(SaliencyMap(values.astype(np.float32), "grade 2", "Grad-CAM", "layer", cells, SIDE), FIELD, PIXELS)
    assert found is not None
    return found


def test_a_map_without_preference_has_a_lift_of_one() -> None:
    share = weighed(np.ones((60, 100))).on(["HE-1"])
    assert share is not None and share.ceiling_share is None
    assert (share.mass_share, share.lift) == (pytest.approx(2 / 4000), pytest.approx(1))


def test_mass_outside_the_field_does_not_count() -> None:
    values = np.ones((60, 100))
    values[20, 30:32] = 3.0
    values[~FIELD] = 100.0
    share = weighed(values).on(["HE-1", "HE-2"])
    assert share is not None and share.mass_share == pytest.approx((6 + 8) / 4004)
    assert share.lift == pytest.approx((14 / 4004) / (10 / 4000))


def test_lesions_outside_the_field_and_blank_fields_have_no_share() -> None:
    assert weighed(np.ones((60, 100))).on(["EX-1"]) is None and weighed(np.ones((60, 100))).on([]) is None
    outside = np.where(FIELD, 0, 1).astype(np.float32)
    assert Weighed.of(SaliencyMap(outside, "grade 2", "Grad-CAM"), FIELD, PIXELS) is None


def unit_map(row: int, column: int) -> np.ndarray:
    """One cell at one, drawn the way saliency is: over the square, then over the photograph."""
    cells = np.zeros((CELLS, CELLS), np.float32)
    cells[row, column] = 1
    square = cv2.resize(cells, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)
    return Fit.of(FIELD, SIDE).invert(square)


def test_the_ceiling_is_the_share_of_the_best_cell_alone() -> None:
    shares = []
    for row in range(CELLS):
        for column in range(CELLS):
            hill = unit_map(row, column)
            if hill[FIELD].sum() > 1:
                shares.append(float(hill.ravel()[PIXELS["HE-2"]].sum() / hill[FIELD].sum()))
    best = max(shares)
    grid = Grid.of(Fit.of(FIELD, SIDE), CELLS)
    assert grid.ceiling(grid.gather_pixels(PIXELS["HE-2"]), grid.gather(FIELD)) == pytest.approx(best, rel=1e-4)
    row, column = divmod(int(np.argmax([unit_map(*divmod(n, CELLS)).ravel()[PIXELS["HE-2"]].sum() for n in range(CELLS**2)])), CELLS)
    share = weighed(unit_map(row, column), CELLS).on(["HE-2"])
    assert share is not None and share.ceiling_share == pytest.approx(1, rel=1e-3)


@any_lesions
@given(st.integers(0, 2**32 - 1))
def test_no_map_of_the_grid_passes_the_ceiling(seed: int) -> None:
    cells = np.random.default_rng(seed).random((CELLS, CELLS)).astype(np.float32) ** 6
    grid = Grid.of(Fit.of(FIELD, SIDE), CELLS)
    whole = grid.gather(FIELD)
    values = grid.rows @ cells @ grid.columns.T
    for pixels in PIXELS.values():
        inside = pixels[FIELD.ravel()[pixels]]
        share = values.ravel()[inside].sum() / values[FIELD].sum()
        assert share <= grid.ceiling(grid.gather_pixels(inside), whole) + 1e-5


def test_the_ceiling_of_a_small_round_lesion() -> None:
    """A disc of 15 px radius in the middle of a cell of 128 px holds its area times the hill's mean height there, of 128 x 128."""
    field = np.ones((1024, 1024), np.bool_)
    y, x = np.ogrid[:1024, :1024]
    disc = np.hypot(x - 447.5, y - 447.5) <= 15
    grid = Grid.of(Fit.of(field, 1024), 8)
    height = (1 - 4 * 15 / (3 * np.pi) / 128) ** 2
    assert grid.ceiling(grid.gather(disc), grid.gather(field)) == pytest.approx(disc.sum() * height / 128**2, rel=0.01)


def test_claims_and_the_table_carry_the_shares() -> None:
    ready = weighed(np.ones((60, 100)), CELLS)
    lesions = [Lesion(id, id[:2], (0, 0, 2, 2), 2, 0.9, Place((1, 1))) for id in ("HE-1", "HE-2", "EX-1")]
    table = tabulate(ready, lesions)
    assert table is not None and [row.lesion for row in table.lesions] == ["HE-1", "HE-2"]
    assert (table.together.mass_share, table.together.lift) == (pytest.approx(10 / 4000), pytest.approx(1))
    assert tabulate(ready, []) is None
    cited = Claim("C-1", "haemorrhages", (0, 12), "presence", "present", "HE", evidence=("HE-1",), verdict="supported", kept=True)
    absent = Claim("C-2", "no", (0, 2), "presence", "absent", "EX", evidence=("E9",), verdict="supported", kept=True)
    found = attributed([cited, absent], ready)
    assert found[0].attribution is not None and found[0].attribution.mass_share == pytest.approx(2 / 4000)
    assert found[1].attribution is None
