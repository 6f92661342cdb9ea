"""Stability: answers whose common claims are counted by hand, and maps that are or are not mirrored."""

from __future__ import annotations

import numpy as np
import pytest

from fusion.audit.curves import random_map
from fusion.audit.stability import flip_equivariance, jaccard, mean_jaccard, measure_flip, measure_map_flip, measure_samples, said
from fusion.claims import read_claims

FIELD = np.ones((60, 80), np.bool_)


def _claims(text: str):
    return read_claims(text).claims


def test_claims_are_compared_by_what_they_say() -> None:
    one = said(_claims("There are microaneurysms. No hard exudates."))
    other = said(_claims("Microaneurysms are present. There are soft exudates."))
    assert len(one) == len(other) == 2
    assert jaccard(one, other) == pytest.approx(1 / 3)
    assert jaccard(one, one) == 1
    assert np.isnan(jaccard(frozenset(), frozenset()))


def test_samples_agree_with_themselves_more_than_with_another_photograph() -> None:
    same = [_claims("There are haemorrhages. No hard exudates.")] * 3
    found = measure_samples(same, [_claims("There are haemorrhages. There are hard exudates.")])
    assert found["product"]["jaccard"] == 1
    assert found["null:shuffled"]["jaccard"] == pytest.approx(1 / 3)
    assert np.isnan(mean_jaccard([said(same[0])]))  # one sample has no pair


def test_a_mirror_image_swaps_left_and_right_and_nothing_else() -> None:
    plain = _claims("There are haemorrhages in the upper left of the image. Hard exudates lie in the inferotemporal quadrant.")
    flipped = _claims("There are haemorrhages in the upper right of the image. Hard exudates lie in the inferotemporal quadrant.")
    found = measure_flip(plain, flipped, [])
    assert found["product"]["flip_jaccard"] == 1
    assert found["null:shuffled"]["flip_jaccard"] == 0
    assert measure_flip(plain, plain, [])["product"]["flip_jaccard"] < 1


def test_a_map_that_turns_with_the_photograph_is_equivariant() -> None:
    values = random_map(FIELD, seed=1)
    assert flip_equivariance(values, np.asarray(values)[:, ::-1], FIELD) == pytest.approx(1)
    assert abs(flip_equivariance(values, values, FIELD)) < 0.2
    assert flip_equivariance(values, None, FIELD) == 0
    found = measure_map_flip(values, np.asarray(values)[:, ::-1], random_map(FIELD, seed=2), FIELD)
    assert found["product"]["flip_map"] > found["null:shuffled"]["flip_map"]
