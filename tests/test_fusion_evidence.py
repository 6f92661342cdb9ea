"""Evidence and text: exact sentences, and what must hold for any lesions: no invented id, no place without a fovea."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fusion.advice import advise
from fusion.evidence import gather, prompt_lines
from fusion.regions import QUADRANTS
from fusion.rules import dme_risk, follow_up, grade_interval
from fusion.thresholds import Thresholds
from fusion.unseen import SHOWN_FROM_PX, Resolution, macula_unjudged, unseen
from fusion.write import WIDTH, Page, render, render_ungradable
from retinai.lesions import DISCLAIMER, LESIONS
from retinai.types import CITED, CameraMarks, Evidence, Landmarks, Lesion, Quality
from tests.drawn_lesions import FOUND, any_lesions, haemorrhages, lesion, lesion_lists

LOST = Landmarks()
DISC_ONLY = Landmarks((900.0, 500.0), 100.0, 0.9)


POINTS = Thresholds(dict.fromkeys(LESIONS, 0.0), dict.fromkeys(LESIONS, 0.5))


def evidence_of(lesions: list[Lesion], points: Thresholds = POINTS, unreported: tuple[Lesion, ...] = ()) -> tuple[Evidence, ...]:
    possible = points.possible(lesions)
    interval, dme = grade_interval(lesions, possible), dme_risk(lesions)
    return gather(lesions, interval, dme, follow_up(interval.visible, dme), possible, unreported)


def text_of(lesions: list[Lesion], landmarks: Landmarks) -> str:
    possible = POINTS.possible(lesions)
    interval, dme = grade_interval(lesions, possible), dme_risk(lesions)
    page = Page(landmarks, evidence_of(lesions), interval, dme.risk, advise(interval, dme, possible=possible), unseen(landmarks))
    return render("photo", page)


def statements(lesions: list[Lesion], kind: str) -> list[str]:
    return [item.sentence for item in evidence_of(lesions) if item.kind == kind]


def test_a_clean_photograph():
    assert statements([], "grade") == [
        "Grade 0, no diabetic retinopathy: no microaneurysm, haemorrhage or exudate is marked.",
        "Higher grades cannot be excluded: other signs of grades 3 and 4 cannot be seen here.",
    ]
    assert statements([], "dme_risk") == ["DME risk 0: no hard exudates are marked."]
    assert statements([], "absence") == [
        "No microaneurysms are marked.",
        "No haemorrhages are marked.",
        "No hard exudates are marked.",
        "No soft exudates are marked.",
    ]


def test_each_grade_says_on_what_it_rests():
    only = statements([lesion("MA")], "grade")[0]
    assert only == "Grade 1, mild non-proliferative diabetic retinopathy: one microaneurysm is marked [MA-1]."
    more = statements([lesion("MA"), lesion("HE"), lesion("EX"), lesion("SE")], "grade")[0]
    assert "grade 2" in more.lower() and more.endswith("haemorrhages, hard exudates and soft exudates are marked [HE-1, EX-1, SE-1].")
    severe = statements(haemorrhages((21, 21, 21, 21)), "grade")
    assert "more than 20 haemorrhages are marked in each of four quadrants [HE-1, HE-2" in severe[0]
    assert severe[1] == "Grade 4 cannot be excluded: its signs cannot be seen here."


def test_a_grade_that_rests_on_lesions_of_low_confidence_says_so():
    lesions = [lesion("MA"), lesion("HE", confidence=0.4)]
    assert statements(lesions, "grade")[:2] == [
        "Grade 2, moderate non-proliferative diabetic retinopathy: one possible haemorrhage is marked [HE-1].",
        "This rests on lesions of low confidence [HE-1]; without them it would be grade 1.",
    ]
    assert "1 possible haemorrhage is marked [HE-1]; there may be more." in statements(lesions, "presence")
    mixed = [lesion("HE", 1), lesion("HE", 2, confidence=0.2), lesion("HE", 3, confidence=0.1)]
    assert statements(mixed, "presence") == [
        "3 haemorrhages are marked, 2 of them with low confidence [HE-1, HE-2, HE-3]; there may be more."
    ]
    assert statements(mixed[1:], "presence") == ["2 possible haemorrhages are marked [HE-2, HE-3]; there may be more."]


def test_a_class_without_a_support_point_is_only_possible():
    points = Thresholds(POINTS.low, {"MA": 0.5, "HE": None, "EX": 0.5, "SE": None})
    (said,) = [item.sentence for item in evidence_of([lesion("HE", confidence=0.999)], points) if item.kind == "presence"]
    assert said == "1 possible haemorrhage is marked [HE-1]; there may be more."


def test_candidates_that_are_not_marked_are_said_where_nothing_is():
    faint = (lesion("HE", 1, confidence=0.4), lesion("HE", 2, confidence=0.4), lesion("SE", 1, confidence=0.6))
    said = [item.sentence for item in evidence_of([], unreported=faint) if item.kind == "absence"]
    assert said[1] == "No haemorrhages are marked; 2 candidates were not confirmed."
    assert said[2:] == ["No hard exudates are marked.", "No soft exudates are marked; 1 candidate was not confirmed."]


def test_dme_sentences():
    def said(*distances: float | None) -> str:
        return statements([lesion("EX", n, "superonasal", d) for n, d in enumerate(distances, start=1)], "dme_risk")[0]

    assert said(0.4, 0.3, 5.0) == (
        "DME risk 2: 2 hard exudates lie within one disc diameter of the fovea, the nearest at 0.30 [EX-1, EX-2]."
    )
    assert said(0.8) == (
        "DME risk 2, close to the limit: 1 hard exudate lies within one disc diameter of the fovea, the nearest at 0.80 [EX-1]."
    )
    assert said(3.0, 1.5) == "DME risk 1: the hard exudate nearest to the fovea is 1.50 disc diameters away [EX-2]."
    assert said(1.2) == "DME risk 1, close to the limit: the hard exudate nearest to the fovea is 1.20 disc diameters away [EX-1]."
    assert said(None, None) == "DME risk 1 or 2: 2 hard exudates are marked, but the macula's centre was not found [EX-1, EX-2]."


def test_places_are_told_by_class():
    lesions = [lesion("HE", 1, "superonasal", 2.0), lesion("HE", 2, "inferotemporal", 0.754), lesion("HE", 3, "superonasal", 3.0)]
    assert statements(lesions, "location") == [
        "By quadrant: superonasal 2, inferotemporal 1 [HE-1, HE-2, HE-3].",
        "The nearest to the fovea is at 0.75 disc diameters [HE-2].",
    ]
    assert statements([lesion("SE", 1, "superonasal", 1.7)], "location") == [
        "It lies superonasal of the fovea [SE-1].",
        "Its distance to the fovea is 1.70 disc diameters [SE-1].",
    ]


def test_many_citations_are_counted_and_all_kept():
    item = next(e for e in evidence_of([lesion("HE", n) for n in range(1, 21)]) if e.kind == "presence")
    assert item.sentence == "20 haemorrhages are marked [HE-1, HE-2, HE-3, HE-4, HE-5, HE-6 and 14 more]; there may be more."
    assert len(item.lesions) == 20 and CITED == 6


def test_what_was_not_seen_is_said():
    always = " ".join(unseen(FOUND))
    for sign in ("ntraretinal microvascular abnormalities", "venous beading", "neovascularisation", "vitreous", "Thickening", "outside"):
        assert sign in always
    assert unseen(LOST)[0].startswith("Where the lesions lie: the optic disc was not found")
    assert unseen(DISC_ONLY)[0].startswith("Where the lesions lie: the fovea was not found")
    assert len(unseen(LOST)) == len(unseen(FOUND)) + 1


def test_the_text_has_its_sections_in_order_and_ends_with_the_disclaimer():
    text = text_of([lesion("EX", 1, "superonasal", 0.4)], FOUND)
    headings = re.findall(r"^[A-Z][A-Z ()-]+$", text, re.MULTILINE)
    assert headings == [
        "GRADE",
        "RISK OF DIABETIC MACULAR OEDEMA (DME)",
        "FOLLOW-UP",
        "MARKED BY THE LESION MAP",
        "COULD NOT BE ASSESSED",
        "RULES",
    ]
    assert text.startswith("photo (right eye, judged by disc and fovea)\n")
    assert text.endswith(DISCLAIMER + "\n")
    assert "(ICDR-2)" in text and "(DME-2)" in text and "(ICO-DME-CENTRE)" in text


def test_what_matters_stands_in_the_first_lines():
    lines = text_of([lesion("EX", n, "superonasal", 0.4) for n in (1, 2)], FOUND).splitlines()
    assert lines[2:4] == [
        "Refer within 1 month. At least moderate NPDR.",
        "  By visible lesions: grade 2, moderate NPDR, or higher; DME risk 2.",
    ]
    assert text_of([], FOUND).splitlines()[2:4] == [
        "Re-examine within 24 months. No lesions are marked.",
        "  By visible lesions: nothing marked; DME risk 0.",
    ]


def test_a_single_lesion_is_said_to_be_one():
    weak = text_of([lesion("HE", 1, "superonasal", 2.0, 0.4)], FOUND)
    assert weak.splitlines()[2] == "Refer within 6 months. One possible haemorrhage [HE-1]: please look."
    assert "sooner. One possible haemorrhage [HE-1]: please look. (ICO-2)" in " ".join(weak.split())
    near = text_of([lesion("EX", 1, "superonasal", 0.4), lesion("HE", 1), lesion("HE", 2)], FOUND)
    assert "Refer within 1 month. At least moderate NPDR. One hard exudate [EX-1]: please look." in " ".join(near.split())


def test_a_normal_eye_gets_one_follow_up():
    text = " ".join(text_of([], FOUND).split())
    assert text.lower().count("re-examine") == 2 and "Re-examine in 1 to 2 years" in text  # the headline and its reason


def test_a_model_is_told_the_findings_and_not_the_readings():
    lines = prompt_lines(evidence_of([lesion("HE", 1, "superonasal", 2.0), lesion("HE", 2, "superonasal", 3.0)]))
    assert "[E6] 2 haemorrhages are marked [HE-1, HE-2]; there may be more." in lines and "[E5] No microaneurysms are marked." in lines
    assert not any(word in line for line in lines for word in ("Grade", "DME", "re-examine"))


def test_the_eye_is_told_only_where_it_is_known():
    assert text_of([], LOST).startswith("photo (which eye: not known)\n")
    assert text_of([], Landmarks(eye="left")).startswith("photo (left eye)\n")


def test_an_ungradable_photograph_is_not_graded():
    text = render_ungradable("photo", Quality(False, ("too dark", "the field is cut off.")))
    assert text == (
        "photo\n\nUNGRADABLE\n- Please take another photograph.\n- What is wrong: too dark; the field is cut off.\n"
        f"- Nothing was graded.\n\n{DISCLAIMER}\n"
    )


@any_lesions
@given(st.booleans().flatmap(lesion_lists))
def test_every_cited_lesion_exists_and_is_of_the_class_named(lesions: list[Lesion]):
    evidence = evidence_of(lesions)
    ids = {item.id for item in lesions}
    assert [item.id for item in evidence] == [f"E{n}" for n in range(1, len(evidence) + 1)]
    assert all(set(item.lesions) <= ids for item in evidence)
    told = [item for item in evidence if item.kind in ("presence", "absence")]
    assert len(told) == len(LESIONS)
    for code, item in zip(LESIONS, told, strict=True):
        of_class = tuple(sorted((i for i in ids if i.startswith(code)), key=lambda i: int(i[3:])))
        assert item.lesions == of_class
        assert (item.kind == "absence") == (not of_class)


@any_lesions
@given(lesion_lists(placed=False), st.sampled_from([LOST, DISC_ONLY]))
def test_without_a_fovea_no_place_is_printed(lesions: list[Lesion], landmarks: Landmarks):
    text = " ".join(text_of(lesions, landmarks).split())
    assert not any(quadrant in text for quadrant in QUADRANTS)
    assert "disc diameter" not in text and "right eye" not in text and "left eye" not in text


@any_lesions
@given(lesion_lists(placed=True))
def test_the_text_cites_only_lesions_that_exist_and_fits_a_terminal(lesions: list[Lesion]):
    text = text_of(lesions, FOUND)
    assert set(re.findall(r"\b(?:MA|HE|EX|SE)-\d+\b", text)) <= {item.id for item in lesions}
    assert max(len(line) for line in text.splitlines()) <= WIDTH
    assert text == text_of(list(lesions), FOUND)


@any_lesions
@given(lesion_lists(placed=True))
def test_the_text_never_claims_oedema(lesions: list[Lesion]):
    text = text_of(lesions, FOUND)
    assert not re.search(r"CSME|clinically significant", text, re.IGNORECASE)


COARSE = Resolution(400, frozenset({"MA"}))


def test_a_class_that_cannot_be_seen_is_neither_found_nor_denied():
    interval, dme = grade_interval([]), dme_risk([])
    said = " ".join(item.statement for item in gather([], interval, dme, follow_up(0, dme), coarse=COARSE.coarse))
    assert "No grade: no microaneurysm, haemorrhage or exudate is marked, but microaneurysms cannot be seen at this size." in said
    assert "No microaneurysms" not in said and "No haemorrhages are marked." in said
    size = f"the whole field is about 400 pixels wide, and it takes {SHOWN_FROM_PX['MA']}"
    assert unseen(DISC_ONLY, COARSE)[0] == f"Microaneurysms cannot be seen at this size, but for the largest: {size}."


def test_what_is_marked_of_a_class_that_can_hardly_be_seen_stands():
    marked = [lesion("MA")]
    interval, dme = grade_interval(marked), dme_risk(marked)
    said = " ".join(item.sentence for item in gather(marked, interval, dme, follow_up(1, dme), coarse=COARSE.coarse))
    assert "is marked [MA-1]; there may be more." in said and "Grade 1" in said


def test_the_size_is_that_of_a_whole_field_where_the_disc_tells_it():
    piece = np.ones((300, 300), np.bool_)
    assert "MA" in Resolution.of(piece, LOST).coarse and Resolution.of(piece, LOST).width_px == 300
    assert Resolution.of(piece, DISC_ONLY).width_px == 670
    assert Resolution.of(piece, replace(DISC_ONLY, disc_diameter_px=200.0)).coarse == frozenset()


def test_without_a_macula_in_the_picture_no_risk_is_stated():
    """A disc at the left edge of a field that ends 200 px to its right; one in the middle of a wide field; a fovea; a fovea at the edge."""
    narrow, wide = np.ones((1000, 1100), np.bool_), np.ones((1000, 1800), np.bool_)
    narrow[:, :700] = False
    assert macula_unjudged(narrow, DISC_ONLY) == "the macula's centre is not in this picture"
    assert macula_unjudged(wide, DISC_ONLY) == macula_unjudged(wide, LOST) == "the macula's centre was not found in this picture"
    both = replace(DISC_ONLY, fovea=(640.0, 530.0), fovea_confidence=0.9, eye="right")
    assert macula_unjudged(wide, both) == ""
    assert macula_unjudged(wide, both, frozenset({"EX"})) == "hard exudates cannot be seen at this size"
    assert macula_unjudged(wide[:540], both) == "part of the macula is not in this picture"


def test_a_risk_that_was_not_judged_says_why_and_what_follows_rests_on_the_grade_alone():
    why = macula_unjudged(np.ones((1000, 1800), np.bool_), DISC_ONLY)
    interval, dme = grade_interval([]), dme_risk([], why)
    page = Page(DISC_ONLY, gather([], interval, dme, follow_up(0, dme)), interval, dme.risk, advise(interval, dme), unseen(DISC_ONLY))
    text = " ".join(render("photo", page).split())
    assert dme.risk is None and dme.lesions == ()
    assert "The macula's centre was not found in this picture, so the risk of macular oedema was not judged." in text
    assert "Have a grader look first; otherwise re-examine within 24 months." in text and "DME RISK 0" not in text.upper()
    assert "Re-examine in 1 to 2 years by the grade alone: the visible lesions fit grade 0. The macula was not judged:" in text
    assert dme_risk([lesion("EX")], why) == dme_risk([lesion("EX")])  # what was found stays: 1 or 2


def test_upside_down_is_said_and_no_eye():
    marks = Landmarks((900.0, 500.0), 100.0, 0.9, (640.0, 470.0), 0.4, None, inverted=True)
    assert "this photograph may be upside down" in unseen(marks)[0]
    text = text_of(haemorrhages((1, 0, 0, 0)), marks)
    assert "right eye" not in text and "left eye" not in text and "it may be upside down" in text


def test_marks_of_the_camera_are_said_to_be_no_lesions() -> None:
    said = unseen(Landmarks(), camera=CameraMarks("a" * 64, 1.02, 94, 90))
    assert said[0] == "90 dark marks of the camera (dust) were taken out of the photograph before it was read: they are no lesions."
    assert unseen(Landmarks(), camera=CameraMarks("a" * 64, -0.05, 94, 0)) == unseen(Landmarks())
