"""Rows 6 to 11: the language model is asked again, about edited photographs, with other weights, and where it looked.

Each function measures one photograph with masks. Where the model gave no grade there is nothing to ask about, and no number. What can be
asked depends on the model: one on a server tells no gradients and is not sampled.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from fusion.audit.curves import Seen, measure_curves
from fusion.audit.figures import PRODUCT, Numbers
from fusion.audit.look import Reply, edits, measure_look
from fusion.audit.necessity import Case as Edited
from fusion.audit.necessity import measure_necessity
from fusion.audit.saliency import Scene, measure_saliency, moved
from fusion.audit.sanity import is_dead, measure_sanity
from fusion.audit.stability import measure_flip, measure_map_flip, measure_samples
from fusion.claims import read_claims
from fusion.grid import Grid
from fusion.regions import Regions
from retinai.audit.case import Case, cited_ids
from retinai.errors import SaliencyError, UsageError
from retinai.fit import Fit, field_box
from retinai.lesions import GRADES, LESIONS
from retinai.talk import LocalTalker, Talker
from retinai.types import Claim, FundusImage, Grade, Point, SaliencyMap

Found = Mapping[str, Numbers]
SAMPLES = 3
"""Answers drawn by lot for one photograph."""
SEEDS = 2
"""How often the weights are drawn anew."""
EDIT_SIDE, COPY_SIDE = 2144, 1072
"""px of the longer side of the copy whose lesions are painted over, where a small one still spans five, and of the one that is edited many
times. Both are more than the models see."""
_NOTHING: Found = {PRODUCT: {}}


def look(case: Case) -> Found:
    """Row 6."""
    grade, talker = _asked(case)
    if grade is None:
        return _NOTHING
    made = {name: replace(case.image, pixels=pixels) for name, pixels in edits(case.image.pixels, case.image.field).items()}
    other = case.other()
    swapped = {"swapped": other} if other.id != case.image.id else {}
    after = {name: _reply(talker, image) for name, image in {**made, **swapped}.items()}
    return measure_look(Reply(grade.level, _text(case)), after)


def necessity(case: Case) -> Found:
    """Row 7, on a copy of `EDIT_SIDE` px. The edited photographs are kept, to be looked at."""
    grade, talker = _asked(case)
    if grade is None or case.truth is None or case.reading.regions is None:
        return _NOTHING
    truth, regions = case.truth, case.reading.regions
    cited = _mask(regions, cited_ids(case.reading.explanation))
    disc = truth.masks.get("OD", np.zeros_like(cited))
    right = None if case.item.grade is None else grade.level == case.item.grade
    planes = (case.image.pixels, case.image.field, cited, _lesions(case), disc)
    pixels, field, cited, lesions, disc = (_small(plane, EDIT_SIDE) for plane in planes)
    small, scale = replace(case.image, pixels=pixels, field=field), field.shape[1] / case.image.field.shape[1]
    x, y = truth.landmarks.fovea or _middle(case.image.field)
    scene = Edited(pixels, field, cited, lesions, disc, (x * scale, y * scale), grade.level, right)
    found = measure_necessity(scene, lambda edited: _probs(talker, replace(small, pixels=edited)))
    case.keep({f"without_{name}": picture for name, picture in found.pictures.items()})
    return found.numbers


def saliency(case: Case) -> Found:
    """Row 8. Nothing where the model cannot be looked into; a map that shows nothing is told by row 10."""
    grade, talker = _asked(case)
    own = case.reading.saliency
    if grade is None or own is None or is_dead(own.values, case.image.field):
        return _NOTHING
    other = case.other()
    found = _look(talker, other, grade.level)
    strange = (found.values, other.field) if found else None
    return measure_saliency(own.values, Scene(case.image.pixels, case.image.field, _lesions(case), _grid(own, case.image), strange))


def curves(case: Case) -> Found:
    """Row 9, on a copy of `COPY_SIDE` px."""
    grade, talker = _asked(case)
    own = case.reading.saliency
    if grade is None or own is None:
        return _NOTHING
    pixels, field, values, lesions = (
        _small(plane, COPY_SIDE) for plane in (case.image.pixels, case.image.field, own.values, _lesions(case))
    )
    small = replace(case.image, pixels=pixels, field=field)
    seen = Seen(pixels, field, values, lesions, own.cells or field.shape[0])
    return measure_curves(seen, lambda edited: float(_probs(talker, replace(small, pixels=edited))[grade.level]))


def sanity(case: Case) -> Found:
    """Row 10: with the weights of projector and language model shuffled, and for the grades that were not given."""
    grade, talker = _asked(case)
    if grade is None or not isinstance(talker, LocalTalker):
        return _NOTHING
    own, image = case.reading.saliency, case.image
    if own is None:
        return measure_sanity(None, image.pixels, image.field)
    others = [_look(talker, image, level) for level in range(len(GRADES)) if level != grade.level]
    permuted = [each.values if each else None for each in others]
    randomised = _with_random_weights(talker, image, grade.level)
    return measure_sanity(own.values, image.pixels, image.field, _grid(own, image), randomised, permuted)


def stability(case: Case) -> Found:
    """Row 11: answers drawn by lot, and about the mirror image."""
    grade, talker = _asked(case)
    if grade is None:
        return _NOTHING
    other, turned = case.other(), _mirrored(case.image)
    strange, plain = _claims(_reply(talker, other).text), _claims(_text(case))
    found = [measure_flip(plain, _claims(_reply(talker, turned).text), strange)]
    if isinstance(talker, LocalTalker):
        found.append(measure_samples(_samples(talker, case.image), [strange]))
    if case.reading.saliency is not None:
        own, theirs = case.reading.saliency.values, _look(talker, other, grade.level)
        there = moved(theirs.values, other.field, case.image.field) if theirs else None
        mirror = _look(talker, turned, grade.level)
        found.append(measure_map_flip(own, mirror.values if mirror else None, there, case.image.field))
    sources = {source for each in found for source in each}
    return {source: {name: value for each in found for name, value in each.get(source, {}).items()} for source in sorted(sources)}


def _asked(case: Case) -> tuple[Grade | None, Talker]:
    """The grade that was given, None without one, and who gave it."""
    if case.pipeline.talker is None:
        raise UsageError("there is no language model to ask: choose one with --vlm")
    answer = case.reading.explanation.answer
    return (answer.grade if answer else None), case.pipeline.talker


def _text(case: Case) -> str:
    answer = case.reading.explanation.answer
    return answer.text if answer else ""


def _reply(talker: Talker, image: FundusImage) -> Reply:
    answer = talker.answer(image)
    return Reply(answer.grade.level if answer.grade else None, answer.text)


def _probs(talker: Talker, image: FundusImage) -> NDArray[np.float64]:
    """Five probabilities, also where the model would rather not grade; from a server that gives no grade, all the same."""
    if isinstance(talker, LocalTalker):
        model = talker.model
        return model.calibration.probs(model.grade_logits(model.pictures([image]))[0])[0]
    grade = talker.answer(image).grade
    return np.array(grade.probs) if grade else np.full(len(GRADES), 1 / len(GRADES))


def _look(talker: Talker, image: FundusImage, level: int) -> SaliencyMap | None:
    """None where the model cannot be looked into, and where the map is blank."""
    try:
        return talker.look(image, level)
    except SaliencyError:
        return None


def _with_random_weights(talker: LocalTalker, image: FundusImage, level: int) -> list[NDArray[np.float32] | None]:
    """None for a model in 4 bits, whose weights cannot be shuffled."""
    from vlm.model import is_4bit
    from vlm.randomise import randomised

    maps = []
    for seed in range(0 if is_4bit(talker.model.model) else SEEDS):
        with randomised(talker.model.model, seed):
            found = _look(talker, image, level)
        maps.append(found.values if found else None)
    return maps


def _samples(talker: LocalTalker, image: FundusImage) -> list[Sequence[Claim]]:
    return [_claims(talker.model.answer([image], sample=True, seed=seed)[0].text) for seed in range(SAMPLES)]


def _claims(text: str) -> Sequence[Claim]:
    return read_claims(text).claims


def _lesions(case: Case) -> NDArray[np.bool_]:
    """(H, W): all true lesions."""
    masks = case.truth.masks if case.truth else {}
    return np.logical_or.reduce([np.zeros_like(case.image.field), *(masks[code] for code in LESIONS if code in masks)])


def _mask(regions: Regions, ids: set[str]) -> NDArray[np.bool_]:
    flat = np.zeros(regions.shape[0] * regions.shape[1], np.bool_)
    for name in ids & regions.pixels.keys():
        flat[regions.pixels[name]] = True
    return flat.reshape(regions.shape)


def _middle(field: NDArray[np.bool_]) -> Point:
    left, top, width, height = field_box(field)
    return left + (width - 1) / 2, top + (height - 1) / 2


def _grid(own: SaliencyMap, image: FundusImage) -> Grid | None:
    return Grid.of(Fit.of(image.field, own.side), own.cells) if own.side and own.cells else None


def _mirrored(image: FundusImage) -> FundusImage:
    """The mirror image is one of the other eye."""
    return replace(image, pixels=image.pixels[:, ::-1].copy(), field=image.field[:, ::-1].copy(), eye=None)


def _small(plane: NDArray[Any], side: int) -> NDArray[Any]:
    """A copy whose longer side is no longer than that; of a mask what covers half a pixel."""
    height, width = plane.shape[:2]
    scale = min(1.0, side / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.resize(plane.astype(np.float32) if plane.dtype == np.bool_ else plane, size, interpolation=cv2.INTER_AREA)
    return small >= 0.5 if plane.dtype == np.bool_ else small
