from __future__ import annotations

from itertools import combinations

import numpy as np
from matplotlib.figure import Figure
from viewer_case import case

from apps.pdf import labels_of, page_lines
from apps.pdf_labels import cited_ids, draw_labels, place_labels
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


def test_labels_with_room_touch_no_outlined_lesion_and_their_lines_end_at_the_box() -> None:
    marked = [Lesion(f"EX-{n}", "EX", (x, 480, 40, 40), 900, 0.9, Place((x + 20, 500))) for n, x in ((1, 300), (2, 370), (3, 440))]
    labels = place_labels(marked[:2], 1.0, (1000, 1000), 14, marked[2:])
    boxes = [(x, 480, x + 40, 520) for x in (300, 370, 440)]
    assert not any(label.touches(box) for label in labels for box in boxes)
    assert all(label.edge[0] in (box[0], box[2]) or label.edge[1] in (480, 520) for label, box in zip(labels, boxes[:2], strict=True))


def test_every_id_of_the_report_is_searchable_text_beside_its_own_lesion() -> None:
    text = page_lines(case())
    labels = labels_of(case(), text, 1072, 0.4)
    axes = Figure().add_subplot()
    draw_labels(axes, labels, 4.5)
    plain = [each.get_text() for each in axes.texts if not each.get_path_effects()]
    cited = cited_ids(line for _, lines in text for line in lines)
    assert set(plain) == set(cited) == {"MA-1", "MA-2", "HE-1", "HE-2", "EX-1", "EX-2", "EX-3", "SE-1"}
    assert len(plain) == len(set(plain)) and not any(first.meets(second) for first, second in combinations(labels, 2))
    assert all(np.hypot(label.at[0] - label.edge[0], label.at[1] - label.edge[1]) < 6 * label.height for label in labels)
