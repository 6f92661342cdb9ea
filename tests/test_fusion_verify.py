"""Verdicts: known tables for each kind of claim, and the invariants that nothing is kept without evidence."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fusion.calibrate import lower_bound, sure_from
from fusion.claims import read_claims
from fusion.evidence import gather
from fusion.rules import dme_risk, follow_up, grade_interval
from fusion.verify import verify
from fusion.verify_facts import (
    FLOOR,
    LANDMARK,
    OUTSIDE,
    QUALITY_ID,
    REASONS,
    UNCHECKED,
    UNDETECTED,
    UNGRADABLE,
    UNMAPPED,
    Facts,
    Thresholds,
)
from retinai.types import Claim, Count, Landmarks, Lesion, Place, Region

CODES = ("MA", "HE", "EX", "SE")
THRESHOLDS = Thresholds(dict.fromkeys(CODES, 0.3), dict.fromkeys(CODES, 0.6))
RIGHT_EYE = Landmarks(disc=(350.0, 100.0), disc_diameter_px=100.0, fovea=(100.0, 100.0), eye="right")
PLACES = {  # in a right eye the nose lies on the photograph's right
    "superotemporal": (50.0, 50.0),
    "superonasal": (150.0, 50.0),
    "inferotemporal": (50.0, 150.0),
    "inferonasal": (150.0, 150.0),
}


def lesion(name: str, quadrant: str | None = "superotemporal", confidence: float = 0.9, distance: float | None = 0.7) -> Lesion:
    x, y = PLACES[quadrant or "superotemporal"]
    return Lesion(name, name.partition("-")[0], (int(x), int(y), 1, 1), 1, confidence, Place((x, y), quadrant, distance))


def facts(*lesions: Lesion, landmarks: Landmarks = RIGHT_EYE, **more) -> Facts:
    interval, dme = grade_interval(lesions), dme_risk(lesions)
    follow = follow_up(interval.visible, dme)
    return Facts(lesions, landmarks, interval, dme, follow, gather(lesions, interval, dme, follow), **more)


def judge(text: str, known: Facts) -> list[tuple[str, bool]]:
    """(verdict, kept) of each claim of a text."""
    return [(claim.verdict or "", claim.kept) for claim in verify(read_claims(text).claims, known, THRESHOLDS)]


def ruling(text: str, known: Facts) -> Claim:
    (claim,) = verify(read_claims(text).claims, known, THRESHOLDS)
    return claim


KEPT, WRONG, LOOSE, BLIND = ("supported", True), ("contradicted", False), ("unsupported", False), ("not_assessable", False)
SURE = lesion("HE-1")
DOUBTFUL = lesion("HE-2", confidence=0.4)
FAINT = lesion("HE-3", confidence=0.1)


@pytest.mark.parametrize(
    ("text", "known", "expected"),
    [
        ("Haemorrhages.", facts(SURE), KEPT),
        ("Haemorrhages.", facts(DOUBTFUL), LOOSE),
        ("Haemorrhages.", facts(), WRONG),
        ("Haemorrhages.", facts(FAINT), WRONG),
        ("No haemorrhages.", facts(), KEPT),
        ("No haemorrhages.", facts(DOUBTFUL), LOOSE),
        ("No haemorrhages.", facts(SURE), WRONG),
        ("Possible haemorrhages.", facts(DOUBTFUL), KEPT),
        ("Possible haemorrhages.", facts(), LOOSE),
        ("Haemorrhages in the superotemporal quadrant.", facts(SURE), KEPT),
        ("Haemorrhages in the inferonasal quadrant.", facts(SURE), WRONG),
        ("Haemorrhages in the superotemporal and inferonasal quadrants.", facts(SURE), WRONG),
        ("No haemorrhages in the inferonasal quadrant.", facts(SURE), KEPT),
        ("No haemorrhages in the superotemporal quadrant.", facts(SURE), WRONG),
        ("Haemorrhages temporal to the fovea.", facts(SURE), KEPT),
        ("Haemorrhages temporal to the disc.", facts(SURE), KEPT),
        ("Haemorrhages nasal to the disc.", facts(SURE), WRONG),
        ("Haemorrhages within one disc diameter of the fovea.", facts(SURE), KEPT),
        ("Haemorrhages within half a disc diameter of the fovea.", facts(SURE), WRONG),
        ("Haemorrhages in the macula.", facts(SURE), KEPT),
        ("Haemorrhages in the temporal macula.", facts(SURE), KEPT),
        ("Haemorrhages in the nasal macula.", facts(SURE), WRONG),
        ("Haemorrhages at the fovea.", facts(SURE), WRONG),
        ("Haemorrhages in the posterior pole.", facts(SURE), KEPT),
        ("Haemorrhages near the disc.", facts(SURE), WRONG),
        ("Haemorrhages in the upper left of the image.", facts(SURE, middle=(200.0, 100.0)), KEPT),
        ("Haemorrhages on the right side of the image.", facts(SURE, middle=(200.0, 100.0)), WRONG),
    ],
)
def test_presence_absence_and_place(text: str, known: Facts, expected: tuple[str, bool]):
    assert judge(text, known) == [expected]


TWELVE = facts(*(lesion(f"HE-{n}") for n in range(1, 13)))
THREE_AND_TWO_DOUBTFUL = facts(*(lesion(f"HE-{n}", confidence=0.9 if n < 4 else 0.4) for n in range(1, 6)))
SPREAD = facts(*(lesion(f"HE-{n}", quadrant) for n, quadrant in enumerate(PLACES, start=1)))


@pytest.mark.parametrize(
    ("text", "known", "expected"),
    [
        ("More than 10 haemorrhages.", TWELVE, KEPT),
        ("More than 20 haemorrhages.", TWELVE, WRONG),
        ("12 haemorrhages.", TWELVE, KEPT),
        ("14 haemorrhages.", TWELVE, KEPT),  # within a fifth
        ("15 haemorrhages.", TWELVE, KEPT),  # 12 is off by 3, a fifth of 15
        ("16 haemorrhages.", TWELVE, WRONG),
        ("About 17 haemorrhages.", TWELVE, KEPT),
        ("About 18 haemorrhages.", TWELVE, WRONG),
        ("A few haemorrhages.", TWELVE, WRONG),
        ("Numerous haemorrhages.", TWELVE, KEPT),
        ("Three haemorrhages.", facts(SURE), WRONG),
        ("At least 3 haemorrhages.", THREE_AND_TWO_DOUBTFUL, KEPT),
        ("At least 4 haemorrhages.", THREE_AND_TWO_DOUBTFUL, LOOSE),
        ("3 haemorrhages.", THREE_AND_TWO_DOUBTFUL, LOOSE),
        ("A few haemorrhages.", THREE_AND_TWO_DOUBTFUL, KEPT),
        ("Up to 4 haemorrhages.", THREE_AND_TWO_DOUBTFUL, LOOSE),
        ("Haemorrhages in all four quadrants.", SPREAD, KEPT),
        ("Haemorrhages in all four quadrants.", TWELVE, WRONG),
        ("Haemorrhages in two quadrants.", SPREAD, KEPT),
        ("Haemorrhages in two quadrants.", TWELVE, WRONG),
        ("At least 2 haemorrhages in all four quadrants.", SPREAD, WRONG),
        ("4 haemorrhages in all four quadrants.", SPREAD, KEPT),
    ],
)
def test_counts(text: str, known: Facts, expected: tuple[str, bool]):
    assert judge(text, known) == [expected]


@pytest.mark.parametrize(
    ("text", "known", "reason"),
    [
        ("Venous beading.", facts(SURE), UNDETECTED),
        ("No neovascularisation.", facts(), UNDETECTED),
        ("Vitreous haemorrhage.", facts(SURE), UNDETECTED),
        ("Haemorrhages in the periphery.", facts(SURE), OUTSIDE),
        ("No haemorrhages in the periphery.", facts(), OUTSIDE),
        ("Haemorrhages along the arcades.", facts(SURE), UNMAPPED),
        ("Haemorrhages in the superotemporal quadrant.", facts(SURE, landmarks=Landmarks()), LANDMARK),
        ("No exudates in the macula.", facts(landmarks=Landmarks()), LANDMARK),
        ("Microaneurysms.", facts(too_small=frozenset({"MA"})), FLOOR),
        ("No microaneurysms.", facts(too_small=frozenset({"MA"})), FLOOR),
        ("Haemorrhages.", facts(SURE, gradable=False), UNGRADABLE),
        ("Grade 2.", facts(SURE, gradable=False), UNGRADABLE),
        ("Drusen in the macula.", facts(SURE), UNCHECKED),
        ("Proliferative diabetic retinopathy.", facts(SURE), UNDETECTED),
        ("No proliferative diabetic retinopathy.", facts(SURE), UNDETECTED),
    ],
)
def test_not_assessable(text: str, known: Facts, reason: str):
    claim = ruling(text, known)
    assert (claim.verdict, claim.reason, claim.kept, claim.evidence) == ("not_assessable", reason, False, ())


def test_what_was_found_nowhere_is_contradicted_without_landmarks():
    claim = ruling("Haemorrhages in the superotemporal quadrant.", facts(landmarks=Landmarks()))
    assert (claim.verdict, claim.reason) == ("contradicted", "no haemorrhages were found")


@pytest.mark.parametrize(
    ("text", "known", "expected"),
    [
        ("Grade 2.", facts(SURE), KEPT),
        ("Grade 1.", facts(SURE), WRONG),
        ("No diabetic retinopathy.", facts(SURE), WRONG),
        ("No diabetic retinopathy.", facts(), KEPT),
        ("The eye is normal.", facts(SURE), WRONG),
        ("Signs of diabetic retinopathy.", facts(SURE), KEPT),
        ("Moderate to severe NPDR.", facts(SURE), KEPT),
        ("Grade 3.", facts(SURE), BLIND),
        ("Grade 2.", facts(DOUBTFUL), LOOSE),  # the lesion is less likely than not
        ("Possibly grade 2.", facts(DOUBTFUL), KEPT),
        ("DME risk 2.", facts(lesion("EX-1", distance=0.5)), KEPT),
        ("DME risk 1.", facts(lesion("EX-1", distance=0.5)), WRONG),
        ("Macular oedema.", facts(lesion("EX-1", distance=0.5)), KEPT),
        ("Macular oedema.", facts(SURE), WRONG),
        ("No macular oedema.", facts(SURE), KEPT),
        ("No macular oedema.", facts(lesion("EX-1", distance=0.5)), WRONG),
        ("DME risk 2.", facts(lesion("EX-1", distance=0.5, confidence=0.4)), LOOSE),
        ("DME risk 2.", facts(lesion("EX-1", None, distance=None), landmarks=Landmarks()), LOOSE),
        ("DME risk 1 to 2.", facts(lesion("EX-1", None, distance=None), landmarks=Landmarks()), KEPT),
        ("Refer.", facts(SURE), KEPT),
        ("Refer.", facts(), LOOSE),
        ("No referral.", facts(SURE), WRONG),
        ("No referral.", facts(), LOOSE),
        ("Follow-up in 3-6 months.", facts(SURE), KEPT),
        ("Follow-up in 12 months.", facts(SURE), WRONG),
        ("Follow-up in 1 month.", facts(SURE), LOOSE),
        ("Follow-up in 12 months.", facts(), KEPT),
        ("Gradable photograph.", facts(), KEPT),
        ("Ungradable.", facts(), WRONG),
        ("Ungradable.", facts(gradable=False), KEPT),
    ],
)
def test_readings(text: str, known: Facts, expected: tuple[str, bool]):
    assert judge(text, known) == [expected]


def test_evidence_names_the_lesions_in_the_place_and_the_reason_counts_them():
    near, far = lesion("EX-1", "superotemporal", distance=0.5), lesion("EX-2", "inferonasal", distance=3.0)
    claim = ruling("Hard exudates within one disc diameter of the fovea.", facts(near, far))
    assert (claim.evidence, claim.reason) == (("EX-1",), "1 hard exudate was found there")
    claim = ruling("No hard exudates in the superonasal quadrant.", facts(near, far))
    assert (claim.evidence, claim.reason) == (("EX-1", "EX-2"), "no hard exudates were found there, 2 elsewhere")
    claim = ruling("Haemorrhages in the superonasal quadrant.", facts(near, SURE))
    assert (claim.verdict, claim.reason) == ("contradicted", "no haemorrhages were found there, 1 elsewhere")


def test_an_absence_cites_the_evidence_that_says_so_and_is_not_kept_without():
    known = facts(SURE)
    claim = ruling("No soft exudates.", known)
    (cited,) = [item for item in known.evidence if item.id in claim.evidence]
    assert cited.statement == "No soft exudates were found."
    bare = ruling("No soft exudates.", replace(known, evidence=()))
    assert (bare.verdict, bare.kept) == ("supported", False)


def test_a_text_that_denies_everything_and_one_that_names_everything():
    known = facts(*(lesion(f"{code}-{n}", quadrant) for code in ("HE", "EX") for n, quadrant in enumerate(PLACES, start=1)))
    denied = judge("No haemorrhages, no hard exudates, no new vessels. No diabetic retinopathy. No referral needed.", known)
    assert denied == [WRONG, WRONG, BLIND, WRONG, WRONG]
    named = judge("Microaneurysms, haemorrhages, soft exudates and venous beading in all four quadrants.", known)
    assert named == [WRONG, KEPT, WRONG, BLIND]


# invariants


LESION_LISTS = st.lists(
    st.tuples(st.sampled_from(CODES), st.sampled_from([*PLACES, None]), st.floats(0, 1), st.one_of(st.none(), st.floats(0, 5))), max_size=12
).map(lambda rows: [lesion(f"{row[0]}-{n}", *row[1:]) for n, row in enumerate(rows, start=1)])
REGIONS = st.one_of(
    st.none(),
    st.sets(st.sampled_from(list(PLACES)), min_size=1).map(lambda values: Region("quadrant", tuple(sorted(values)))),
    st.sampled_from(["any1", "any2", "any3"]).map(lambda value: Region("quadrant", (value,))),
    st.builds(lambda v, o: Region("dd_ring", (v,), o), st.sampled_from(["<=1", ">1"]), st.sampled_from(["fovea", "disc"])),
    st.sampled_from(["macula", "centre", "nasal macula"]).map(lambda value: Region("etdrs9", (value,))),
    st.sampled_from(["arcades", "posterior pole", "periphery"]).map(lambda value: Region("area", (value,))),
    st.sampled_from(["left", "upper right", "centre"]).map(lambda value: Region("image", (value,))),
)
COUNTS = st.one_of(st.none(), st.builds(Count, st.sampled_from(["=", "~", ">", ">=", "<", "<="]), st.integers(1, 12)))
POLARITIES = st.sampled_from(["present", "absent", "uncertain"])
FINDINGS = st.builds(
    lambda code, polarity, region, count: Claim("C-1", "x", (0, 1), "presence", polarity, lesion=code, region=region, count=count),
    st.sampled_from([*CODES, "IRMA", "NV", "VH"]),
    POLARITIES,
    REGIONS,
    COUNTS,
)
LEVELS = st.sets(st.integers(0, 4), min_size=1).map(lambda levels: tuple(sorted(levels)))
CLAIMS = st.one_of(
    FINDINGS,
    st.builds(lambda p, levels: Claim("C-1", "x", (0, 1), "grade", p, levels=levels), POLARITIES, LEVELS),
    st.builds(lambda p, levels: Claim("C-1", "x", (0, 1), "dme_risk", p, levels=levels), POLARITIES, LEVELS),
    st.builds(
        lambda p, m: Claim("C-1", "x", (0, 1), "referral", p, months=m), POLARITIES, st.sampled_from([None, (1, 1), (6, 12), (0, 24)])
    ),
    st.builds(lambda k, p: Claim("C-1", "x", (0, 1), k, p), st.sampled_from(["quality", "other"]), POLARITIES),
)
LANDMARKS = st.sampled_from([RIGHT_EYE, Landmarks(), replace(RIGHT_EYE, fovea=None, eye=None)])


@settings(max_examples=120, deadline=None)
@given(st.lists(CLAIMS, max_size=6), LESION_LISTS, LANDMARKS, st.booleans())
def test_nothing_is_kept_without_evidence_and_nothing_wrong_is_kept(claims, lesions, landmarks, gradable):
    known = facts(*lesions, landmarks=landmarks, gradable=gradable)
    citable = {item.id for item in (*known.lesions, *known.evidence)} | {QUALITY_ID}
    told = all(lesion.confidence >= THRESHOLDS.low[lesion.code] for lesion in lesions)  # as in every photograph: the rest is left out
    judged = verify(claims, known, THRESHOLDS)
    assert [replace(claim, verdict=None, reason=None, evidence=(), kept=False) for claim in judged] == claims
    for claim in judged:
        assert claim.verdict is not None and claim.reason
        assert set(claim.evidence) <= citable
        assert not claim.kept or (claim.verdict == "supported" and claim.evidence)
        assert claim.kept or claim.verdict != "supported" or not told  # all the evidence was handed in, so what is supported can be cited
        assert claim.verdict != "not_assessable" or claim.reason in REASONS
        assert gradable or claim.kind == "quality" or claim.verdict == "not_assessable"
    assert verify(claims, known, THRESHOLDS) == judged


@settings(max_examples=80, deadline=None)
@given(FINDINGS, LESION_LISTS)
def test_a_claim_and_its_denial_are_never_both_supported(claim, lesions):
    known = facts(*lesions)
    yes, no = (verify([replace(claim, polarity=polarity, count=None)], known, THRESHOLDS)[0].verdict for polarity in ("present", "absent"))
    assert not (yes == no == "supported")


@settings(max_examples=80, deadline=None)
@given(FINDINGS, LESION_LISTS)
def test_another_sure_lesion_never_speaks_against_a_presence(claim, lesions):
    order = ["contradicted", "not_assessable", "unsupported", "supported"]
    claim = replace(claim, polarity="present", count=None)
    more = [*lesions, lesion(f"{claim.lesion}-99")] if claim.lesion in CODES else lesions
    before, after = (verify([claim], facts(*found), THRESHOLDS)[0].verdict for found in (lesions, more))
    assert order.index(after or "") >= order.index(before or "")


# thresholds


def test_thresholds_out_of_order_are_refused():
    with pytest.raises(ValueError, match=r"MA: thresholds 0\.7 and 0\.6 must rise within 0\.\.1"):
        Thresholds(dict.fromkeys(CODES, 0.7), dict.fromkeys(CODES, 0.6))


def test_clopper_pearson_bound_of_a_perfect_record():
    # k of k right: the bound is error ** (1 / k)
    assert lower_bound(59, 59) == pytest.approx(0.05 ** (1 / 59))
    assert lower_bound(59, 59) >= 0.95 > lower_bound(58, 58)
    assert lower_bound(0, 10) == 0.0


def test_the_sure_threshold_needs_units_enough_and_stops_at_the_first_failure():
    scores = [1 - n / 200 for n in range(100)]
    assert sure_from(scores[:58], [True] * 58) is None
    assert sure_from(scores, [True] * 100) == pytest.approx(scores[-1])
    assert sure_from(scores, [True] * 70 + [False] * 30) == pytest.approx(scores[69])
    assert sure_from(scores, [False] * 100) is None


def test_the_sure_threshold_never_splits_equal_confidences():
    scores = [0.9] * 59 + [0.5] * 41
    assert sure_from(scores, [True] * 80 + [False] * 20) == 0.9
