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
    UNESTABLISHED,
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


def facts(*lesions: Lesion, landmarks: Landmarks = RIGHT_EYE, candidates: tuple[Lesion, ...] = (), **more) -> Facts:
    """lesions: from the report point on they are marked, below it they are candidates, as the map gives them."""
    marked = tuple(each for each in lesions if each.confidence >= THRESHOLDS.low[each.code])
    unreported = (*candidates, *(each for each in lesions if each not in marked))
    possible = THRESHOLDS.possible(marked)
    interval, dme = grade_interval(marked, possible), dme_risk(marked)
    follow = follow_up(interval.visible, dme)
    evidence = gather(marked, interval, dme, follow, possible, unreported)
    return Facts(marked, landmarks, interval, dme, follow, evidence, unreported=unreported, **more)


def judge(text: str, known: Facts) -> list[tuple[str, bool]]:
    """(verdict, kept) of each claim of a text."""
    return [(claim.verdict or "", claim.kept) for claim in verify(read_claims(text).claims, known, THRESHOLDS)]


def ruling(text: str, known: Facts) -> Claim:
    (claim,) = verify(read_claims(text).claims, known, THRESHOLDS)
    return claim


KEPT, WRONG, LOOSE, BLIND = ("supported", True), ("contradicted", False), ("unsupported", False), ("not_assessable", False)
SURE = lesion("HE-1")
POSSIBLE = lesion("HE-2", confidence=0.4)
FAINT = lesion("HE-3", confidence=0.1)
HERE, NOWHERE = "in the superotemporal quadrant", "in the inferonasal quadrant"


@pytest.mark.parametrize(
    ("text", "known", "expected"),
    [
        ("Haemorrhages.", facts(SURE), KEPT),
        ("Haemorrhages.", facts(POSSIBLE), LOOSE),
        ("Haemorrhages.", facts(FAINT), LOOSE),
        ("Haemorrhages.", facts(), WRONG),  # not even a candidate in the whole eye
        ("No haemorrhages.", facts(), LOOSE),
        ("No haemorrhages.", facts(FAINT), LOOSE),
        ("No haemorrhages.", facts(POSSIBLE), LOOSE),
        ("No haemorrhages.", facts(SURE), WRONG),
        ("Possible haemorrhages.", facts(POSSIBLE), KEPT),
        ("Possible haemorrhages.", facts(FAINT), LOOSE),
        ("Possible haemorrhages.", facts(), LOOSE),
        (f"Haemorrhages {HERE}.", facts(SURE), KEPT),
        (f"Haemorrhages {HERE}.", facts(POSSIBLE), LOOSE),
        (f"Haemorrhages {NOWHERE}.", facts(SURE), LOOSE),
        (f"Haemorrhages {NOWHERE}.", facts(), WRONG),
        ("Haemorrhages in the superotemporal and inferonasal quadrants.", facts(SURE), LOOSE),
        (f"No haemorrhages {NOWHERE}.", facts(SURE), LOOSE),
        (f"No haemorrhages {HERE}.", facts(SURE), WRONG),
        ("Haemorrhages temporal to the fovea.", facts(SURE), KEPT),
        ("Haemorrhages temporal to the disc.", facts(SURE), KEPT),
        ("Haemorrhages nasal to the disc.", facts(SURE), LOOSE),
        ("Haemorrhages within one disc diameter of the fovea.", facts(SURE), KEPT),
        ("Haemorrhages within half a disc diameter of the fovea.", facts(SURE), LOOSE),
        ("Haemorrhages in the macula.", facts(SURE), KEPT),
        ("Haemorrhages in the temporal macula.", facts(SURE), KEPT),
        ("Haemorrhages in the nasal macula.", facts(SURE), LOOSE),
        ("Haemorrhages at the fovea.", facts(SURE), LOOSE),
        ("Haemorrhages in the posterior pole.", facts(SURE), KEPT),
        ("Haemorrhages near the disc.", facts(SURE), LOOSE),
        ("Haemorrhages in the upper left of the image.", facts(SURE, middle=(200.0, 100.0)), KEPT),
        ("Haemorrhages on the right side of the image.", facts(SURE, middle=(200.0, 100.0)), LOOSE),
    ],
)
def test_presence_absence_and_place(text: str, known: Facts, expected: tuple[str, bool]):
    assert judge(text, known) == [expected]


TWELVE = facts(*(lesion(f"HE-{n}") for n in range(1, 13)))  # a fifth off: at least 10
THREE_AND_TWO_POSSIBLE = facts(*(lesion(f"HE-{n}", confidence=0.9 if n < 4 else 0.4) for n in range(1, 6)))
SPREAD = facts(*(lesion(f"HE-{n}", quadrant) for n, quadrant in enumerate(PLACES, start=1)))


@pytest.mark.parametrize(
    ("text", "known", "expected"),
    [
        ("More than 9 haemorrhages.", TWELVE, KEPT),
        ("More than 10 haemorrhages.", TWELVE, LOOSE),
        ("More than 20 haemorrhages.", TWELVE, LOOSE),  # what the map leaves out may be there
        ("Numerous haemorrhages.", TWELVE, KEPT),
        ("12 haemorrhages.", TWELVE, LOOSE),
        ("About 17 haemorrhages.", TWELVE, LOOSE),
        ("Three haemorrhages.", TWELVE, WRONG),
        ("Fewer than 10 haemorrhages.", TWELVE, WRONG),
        ("Fewer than 11 haemorrhages.", TWELVE, LOOSE),
        ("Fewer than 100 haemorrhages.", TWELVE, LOOSE),
        ("A single haemorrhage.", facts(SURE), LOOSE),
        ("Three haemorrhages.", facts(SURE), LOOSE),
        ("At least 3 haemorrhages.", THREE_AND_TWO_POSSIBLE, KEPT),
        ("At least 4 haemorrhages.", THREE_AND_TWO_POSSIBLE, LOOSE),
        ("Up to 2 haemorrhages.", THREE_AND_TWO_POSSIBLE, WRONG),
        ("Up to 4 haemorrhages.", THREE_AND_TWO_POSSIBLE, LOOSE),
        ("Haemorrhages in all four quadrants.", SPREAD, KEPT),
        ("Haemorrhages in all four quadrants.", TWELVE, LOOSE),
        ("Haemorrhages in two quadrants.", SPREAD, KEPT),
        ("Haemorrhages in two quadrants.", TWELVE, LOOSE),
        ("At least 2 haemorrhages in all four quadrants.", SPREAD, LOOSE),
        ("More than 20 haemorrhages.", facts(), WRONG),
    ],
)
def test_counts(text: str, known: Facts, expected: tuple[str, bool]):
    assert judge(text, known) == [expected]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("12 haemorrhages.", KEPT),
        ("14 haemorrhages.", KEPT),  # within a fifth
        ("16 haemorrhages.", WRONG),
        ("More than 20 haemorrhages.", WRONG),
        ("Fewer than 20 haemorrhages.", KEPT),
        (f"Haemorrhages {NOWHERE}.", WRONG),
        ("No soft exudates.", KEPT),
        ("Soft exudates.", WRONG),
        ("Grade 2.", KEPT),
        ("DME risk 0.", KEPT),
    ],
)
def test_true_masks_leave_nothing_out_and_so_decide(text: str, expected: tuple[str, bool]):
    assert judge(text, replace(TWELVE, exhaustive=True)) == [expected]


NEVER = Thresholds(dict.fromkeys(CODES, 0.3), {"MA": None, "HE": 1.0, "EX": 0.6, "SE": None})
"""Old cards say 1.0 where no support point could be set."""


@pytest.mark.parametrize(
    ("text", "lesions", "verdict"),
    [
        ("Haemorrhages.", (lesion("HE-1", confidence=1.0),), "not_assessable"),
        ("More than 20 haemorrhages.", (lesion("HE-1", confidence=0.999),), "not_assessable"),
        ("No haemorrhages.", (lesion("HE-1", confidence=1.0),), "not_assessable"),
        ("Haemorrhages.", (FAINT,), "not_assessable"),
        ("Haemorrhages.", (), "contradicted"),
        ("No haemorrhages.", (), "unsupported"),
        ("Possible haemorrhages.", (lesion("HE-1", confidence=0.9),), "supported"),  # as the page itself says
        ("Hard exudates.", (lesion("EX-1", confidence=0.9),), "supported"),
        ("Hard exudates.", (lesion("EX-1", confidence=0.5),), "unsupported"),
    ],
)
def test_a_class_without_a_support_point_bears_out_nothing_but_a_hedge(text: str, lesions: tuple[Lesion, ...], verdict: str):
    (claim,) = verify(read_claims(text).claims, facts(*lesions), NEVER)
    assert claim.verdict == verdict and claim.kept == (verdict == "supported")
    assert (claim.reason == UNESTABLISHED) == (verdict == "not_assessable")


def test_low_confidence_is_short_of_the_support_point_or_without_one():
    assert NEVER.high == {"MA": None, "HE": None, "EX": 0.6, "SE": None}
    found = [lesion("HE-1", confidence=1.0), lesion("EX-1", confidence=0.6), lesion("EX-2", confidence=0.59)]
    assert NEVER.possible(found) == {"HE-1", "EX-2"}
    with pytest.raises(ValueError, match=r"EX: thresholds 0.3 and 0.2 must rise"):
        Thresholds(NEVER.low, {"EX": 0.2})


def test_candidates_are_counted_by_class_and_quadrant():
    known = facts(SURE, POSSIBLE, FAINT, lesion("HE-4", "inferonasal", 0.1))
    assert (known.candidates("HE"), known.candidates("HE", "superotemporal"), known.candidates("HE", "inferonasal")) == (4, 3, 1)
    assert known.candidates("SE") == 0


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
    assert (claim.verdict, claim.reason) == ("contradicted", "no haemorrhages are marked, and the map shows no candidate")


@pytest.mark.parametrize(
    ("text", "known", "expected"),
    [
        ("Grade 2.", facts(SURE), LOOSE),
        ("Grade 1.", facts(SURE), WRONG),
        ("No diabetic retinopathy.", facts(SURE), WRONG),
        ("No diabetic retinopathy.", facts(), LOOSE),
        ("The eye is normal.", facts(SURE), WRONG),
        ("Signs of diabetic retinopathy.", facts(SURE), KEPT),
        ("Moderate to severe NPDR.", facts(SURE), LOOSE),
        ("No diabetic retinopathy.", facts(POSSIBLE), LOOSE),
        ("Grade 3.", facts(SURE), BLIND),
        ("Grade 2.", facts(POSSIBLE), LOOSE),
        ("Possibly grade 2.", facts(POSSIBLE), KEPT),
        ("DME risk 2.", facts(lesion("EX-1", distance=0.5)), KEPT),
        ("DME risk 1.", facts(lesion("EX-1", distance=0.5)), WRONG),
        ("DME risk 1.", facts(lesion("EX-1", distance=0.9)), LOOSE),  # the fovea may lie farther
        ("DME risk 1.", facts(lesion("EX-1", distance=2.0)), LOOSE),  # another may lie nearer,
        ("Macular oedema.", facts(lesion("EX-1", distance=0.5)), KEPT),
        ("Macular oedema.", facts(SURE), LOOSE),
        ("No macular oedema.", facts(SURE), LOOSE),
        ("No macular oedema.", facts(lesion("EX-1", distance=0.5)), WRONG),
        ("DME risk 2.", facts(lesion("EX-1", distance=0.5, confidence=0.4)), LOOSE),
        ("DME risk 2.", facts(lesion("EX-1", None, distance=None), landmarks=Landmarks()), LOOSE),
        ("DME risk 1 to 2.", facts(lesion("EX-1", None, distance=None), landmarks=Landmarks()), KEPT),
        ("Refer.", facts(SURE), KEPT),
        ("Refer.", facts(), LOOSE),
        ("No referral.", facts(SURE), WRONG),
        ("No referral.", facts(POSSIBLE), LOOSE),
        ("Follow-up in 12 months.", facts(POSSIBLE), LOOSE),
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
    assert (claim.evidence, claim.reason) == (("EX-1",), "1 hard exudate is marked there; there may be more")
    claim = ruling("No hard exudates in the superonasal quadrant.", facts(near, far))
    assert (claim.evidence, claim.reason) == (("EX-1", "EX-2"), "no hard exudates are marked there, 2 elsewhere")
    claim = ruling("Haemorrhages in the superonasal quadrant.", facts(near, SURE))
    assert (claim.verdict, claim.reason) == ("unsupported", "no haemorrhages are marked there, 1 elsewhere")


def test_an_absence_cites_the_evidence_that_says_so_and_is_not_kept_without():
    known = facts(SURE)
    claim = ruling("No soft exudates.", known)
    (cited,) = [item for item in known.evidence if item.id in claim.evidence]
    assert cited.statement == "No soft exudates are marked."
    bare = ruling("No soft exudates.", replace(known, evidence=(), exhaustive=True))
    assert (bare.verdict, bare.kept) == ("supported", False)


def test_a_text_that_denies_everything_and_one_that_names_everything():
    known = facts(*(lesion(f"{code}-{n}", quadrant) for code in ("HE", "EX") for n, quadrant in enumerate(PLACES, start=1)))
    denied = judge("No haemorrhages, no hard exudates, no new vessels. No diabetic retinopathy. No referral needed.", known)
    assert denied == [WRONG, WRONG, BLIND, WRONG, WRONG]  # four sure lesions of either class are there
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


@settings(max_examples=150, deadline=None)
@given(FINDINGS, LESION_LISTS, LESION_LISTS)
def test_lesions_that_the_map_leaves_out_never_turn_a_verdict_round(claim, lesions, left_out):
    """Whatever else is there: what is supported is not false, what is contradicted is not true, of marked lesions that are all real."""
    marked = [each for each in lesions if each.confidence >= THRESHOLDS.high[each.code]]
    others = [replace(each, id=f"{each.code}-{n}", confidence=0.2) for n, each in enumerate(left_out, start=100)]
    if claim.lesion in CODES and not any(each.code == claim.lesion for each in (*marked, *others)):
        return  # no candidate at all: the one exception, which is measured
    seen = verify([claim], facts(*marked, *others), THRESHOLDS)[0].verdict
    everything = replace(facts(*marked, *(replace(each, confidence=0.9) for each in others)), exhaustive=True)
    true = verify([claim], everything, THRESHOLDS)[0].verdict
    assert (seen, true) not in {("contradicted", "supported"), ("supported", "contradicted")}


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
