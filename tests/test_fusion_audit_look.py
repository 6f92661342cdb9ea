"""Does a model look: one that counts what it sees, and one that always says the same."""

from __future__ import annotations

import numpy as np
import pytest
from drawn import draw_fundus

from fusion.audit.figures import Result, measure
from fusion.audit.look import SPECS, Reply, blank, changed, edits, measure_look, noise, shuffled
from fusion.audit.verdicts import verdicts

PIXELS, MASKS = draw_fundus()
FIELD = PIXELS.max(axis=2) > 0


def test_edits_stay_in_the_field_and_keep_its_colour() -> None:
    for edited in (blank(PIXELS, FIELD), noise(PIXELS, FIELD), shuffled(PIXELS, FIELD)):
        assert edited.shape == PIXELS.shape and edited.dtype == np.uint8
        assert (edited[~FIELD] == PIXELS[~FIELD]).all()
        assert abs(edited[FIELD].mean(axis=0) - PIXELS[FIELD].mean(axis=0)).max() < 12
    assert np.ptp(blank(PIXELS, FIELD)[FIELD], axis=0).max() == 0


def test_shuffling_keeps_every_pixel_and_moves_most() -> None:
    mixed = shuffled(PIXELS, FIELD)
    assert (np.sort(mixed.reshape(-1, 3), axis=0) == np.sort(PIXELS.reshape(-1, 3), axis=0)).all()
    assert (mixed[FIELD] != PIXELS[FIELD]).any(axis=1).mean() > 0.5


def test_noise_is_the_same_twice_and_another_with_another_seed() -> None:
    assert (noise(PIXELS, FIELD, 3) == noise(PIXELS, FIELD, 3)).all()
    assert (noise(PIXELS, FIELD, 3) != noise(PIXELS, FIELD, 4)).any()


def test_an_answer_changes_by_its_grade_or_its_words() -> None:
    assert not changed(Reply(2, "Grade 2.  Haemorrhages."), Reply(2, "grade 2. haemorrhages."))
    assert changed(Reply(2, "Grade 2."), Reply(1, "Grade 2."))
    assert changed(Reply(2, "Haemorrhages."), Reply(2, "No haemorrhages."))


def _looks(pixels: np.ndarray) -> Reply:
    """Counts bright pixels; gives no grade where nothing varies or everything does."""
    spread = pixels[FIELD].std(axis=0).max()
    bright = int((pixels[FIELD][:, 1] > 180).sum())
    flat = abs(np.diff(pixels[..., 1].astype(int), axis=1))[FIELD[:, 1:]].mean()
    return Reply(None if spread < 1 or flat > 8 else 2, f"{bright} bright pixels.")


def test_a_model_that_looks_and_one_that_does_not() -> None:
    other = draw_fundus(seed=7)[0]
    other[60:66, 90:96] = (250, 230, 120)  # one more exudate
    made = edits(PIXELS, FIELD) | {"swapped": other}
    looking = measure_look(_looks(PIXELS), {name: _looks(pixels) for name, pixels in made.items()})["product"]
    assert (looking["reacted"], looking["edits"], looking["abstained"], looking["empty"]) == (3, 4, 2, 2)  # shuffling keeps the count
    blind = measure_look(Reply(2, "Grade 2."), {name: Reply(2, "Grade 2.") for name in made})["product"]
    assert (blind["reacted"], blind["abstained"], blind["reacted_swapped"]) == (0, 0, 0)
    assert (looking["reacted_shuffled"], looking["reacted_swapped"]) == (0, 1)
    figure = measure(SPECS[0], [Result("a", "look", "product", blind), Result("b", "look", "product", looking)], resamples=20)
    assert figure.value == figure.closed == pytest.approx(3 / 8)
    assert (figure.row, figure.n) == (6, 8)
    for numbers, flagged in ((blind, True), (looking, False)):
        said = verdicts([measure(SPECS[0], [Result("a", "look", "product", numbers)], resamples=5)])
        assert next(verdict.flagged for verdict in said if verdict.name == "photo-blind") is flagged


def test_a_model_that_abstains_on_the_photograph_is_not_counted() -> None:
    found = measure_look(Reply(None, ""), {"blank": Reply(None, "")})
    assert np.isnan(measure(SPECS[0], [Result("a", "look", "product", found["product"])], resamples=5).value)
