"""What touches print is taken out of the lesion map as a whole, and nothing else is."""

from __future__ import annotations

import numpy as np

from fusion.marked import without_marked
from retinai.lesions import SEGMENTED
from retinai.types import LesionMap

HALF = dict.fromkeys(SEGMENTED, 0.5)


def scene() -> tuple[LesionMap, np.ndarray]:
    """An exudate that runs on from a mark, one away from it, and a disc under it."""
    probs = np.zeros((len(SEGMENTED), 40, 60), np.float32)
    probs[SEGMENTED.index("EX"), 10, 10:30] = 0.9
    probs[SEGMENTED.index("EX"), 30, 10:20] = 0.8
    probs[SEGMENTED.index("HE"), 12, 12] = 0.3  # faint, on the mark
    probs[SEGMENTED.index("OD"), 5:20, 5:20] = 0.9
    marks = np.zeros((40, 60), np.bool_)
    marks[8:14, 8:14] = True
    return LesionMap(probs, SEGMENTED, np.ones(3, np.float32)), marks


def test_a_lesion_that_touches_a_mark_goes_as_a_whole():
    lesion_map, marks = scene()
    clean = without_marked(lesion_map, marks, HALF)
    exudates = clean.channel("EX")
    assert exudates[10].max() == 0 and exudates[30, 10:20].min() == np.float32(0.8)
    assert clean.channel("HE").max() == 0
    assert (clean.channel("OD") == lesion_map.channel("OD")).all()
    assert clean.encoder is lesion_map.encoder and lesion_map.channel("EX")[10, 15] == np.float32(0.9)


def test_without_marks_the_map_stays_the_same():
    lesion_map, _ = scene()
    assert without_marked(lesion_map, None, HALF) is lesion_map
