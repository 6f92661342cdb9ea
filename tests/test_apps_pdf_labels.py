from __future__ import annotations

from itertools import combinations

import numpy as np

from apps.pdf_labels import cited_ids, place_labels
from retinai.types import Lesion, Place


def lesions(count: int, seed: int = 0, spread: float = 1000) -> list[Lesion]:
    rng = np.random.default_rng(seed)
    places = rng.uniform(0, spread, (count, 2))
    return [
        Lesion(f"HE-{number}", "HE", (int(x) - 5, int(y) - 5, 10, 10), 80, 0.9, Place((float(x), float(y))))
        for number, (x, y) in enumerate(places, start=1)
    ]


def test_ids_are_those_of_the_text_once_and_in_order() -> None:
    lines = ["17 haemorrhages are marked [HE-2, HE-1 and 11 more].", "nearest [EX-25], again [HE-1]", "ICDR-2 is a clause"]
    assert cited_ids(lines) == ["HE-2", "HE-1", "EX-25"]


def test_labels_do_not_meet_hide_no_lesion_and_stay_in_the_picture() -> None:
    marked = lesions(24)
    labels = place_labels(marked, 1.0, (1000, 1000), 14)
    assert [label.text for label in labels] == [lesion.id for lesion in marked]
    assert not any(first.meets(second) for first, second in combinations(labels, 2))
    assert not any(label.covers(lesion.place.centre) for label in labels for lesion in marked)
    for label in labels:
        assert label.width / 2 <= label.at[0] <= 1000 - label.width / 2
        assert label.height / 2 <= label.at[1] <= 1000 - label.height / 2


def test_each_label_is_near_its_lesion_at_the_scale_of_the_picture() -> None:
    marked = lesions(12, seed=1)
    for lesion, label in zip(marked, place_labels(marked, 0.5, (500, 500), 8), strict=True):
        assert label.lesion == (lesion.place.centre[0] / 2, lesion.place.centre[1] / 2)
        assert np.hypot(label.at[0] - label.lesion[0], label.at[1] - label.lesion[1]) < 90


def test_a_crowd_still_gets_a_label_each() -> None:
    assert len(place_labels(lesions(60, spread=60), 1.0, (100, 100), 14)) == 60
