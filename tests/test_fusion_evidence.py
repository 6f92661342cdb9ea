"""Evidence and text: exact sentences, and what must hold for any lesions: no invented id, no place without a fovea."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from fusion.advice import advise
from fusion.evidence import gather, prompt_lines, unseen
from fusion.regions import QUADRANTS
from fusion.rules import dme_risk, follow_up, grade_interval
from fusion.write import WIDTH, Page, render, render_ungradable
from retinai.lesions import DISCLAIMER, LESIONS
from retinai.types import CITED, Evidence, Landmarks, Lesion, Quality
from tests.drawn_lesions import FOUND, any_lesions, haemorrhages, lesion, lesion_lists

LOST = Landmarks()
DISC_ONLY = Landmarks((900.0, 500.0), 100.0, 0.9)


def evidence_of(lesions: list[Lesion]) -> tuple[Evidence, ...]:
    interval, dme = grade_interval(lesions), dme_risk(lesions)
    return gather(lesions, interval, dme, follow_up(interval.visible, dme))


def text_of(lesions: list[Lesion], landmarks: Landmarks) -> str:
    interval, dme = grade_interval(lesions), dme_risk(lesions)
    page = Page(landmarks, evidence_of(lesions), interval, dme.risk, advise(interval, dme), unseen(landmarks))
    return render("photo", page)


def statements(lesions: list[Lesion], kind: str) -> list[str]:
    return [item.sentence for item in evidence_of(lesions) if item.kind == kind]


def test_a_clean_photograph():
    assert statements([], "grade") == [
        "Grade 0, no diabetic retinopathy: no microaneurysm, haemorrhage or exudate was found.",
        "Higher grades cannot be excluded: other signs of grades 3 and 4 cannot be seen here.",
    ]
    assert statements([], "dme_risk") == ["DME risk 0: no hard exudates were found."]
    assert statements([], "absence") == [
        "No microaneurysms were found.",
        "No haemorrhages were found.",
        "No hard exudates were found.",
        "No soft exudates were found.",
    ]


def test_each_grade_says_on_what_it_rests():
    only = statements([lesion("MA")], "grade")[0]
    assert only == "Grade 1, mild non-proliferative diabetic retinopathy: only microaneurysms were found [MA-1]."
    more = statements([lesion("MA"), lesion("HE"), lesion("EX"), lesion("SE")], "grade")[0]
    assert "grade 2" in more.lower() and more.endswith("haemorrhages, hard exudates and soft exudates were found [HE-1, EX-1, SE-1].")
    severe = statements(haemorrhages((21, 21, 21, 21)), "grade")
    assert "more than 20 haemorrhages were found in each of four quadrants [HE-1, HE-2" in severe[0]
    assert severe[1] == "Grade 4 cannot be excluded: its signs cannot be seen here."


def test_a_grade_that_rests_on_doubtful_lesions_says_so():
    lesions = [lesion("MA"), lesion("HE", confidence=0.4)]
    assert statements(lesions, "grade")[1] == "Without doubtful lesions it would be grade 1 [HE-1]."
    assert "1 haemorrhage was found, doubtful [HE-1]." in statements(lesions, "presence")
    mixed = [lesion("HE", 1), lesion("HE", 2, confidence=0.2), lesion("HE", 3, confidence=0.1)]
    assert statements(mixed, "presence") == ["3 haemorrhages were found, 2 of them doubtful [HE-1, HE-2, HE-3]."]
    assert statements(mixed[1:], "presence") == ["2 haemorrhages were found, all doubtful [HE-2, HE-3]."]


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
    assert said(None, None) == "DME risk 1 or 2: 2 hard exudates were found, but not the macula's centre [EX-1, EX-2]."


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
    assert item.sentence == "20 haemorrhages were found [HE-1, HE-2, HE-3, HE-4, HE-5, HE-6 and 14 more]."
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
        "FOUND BY THE LESION MAP",
        "COULD NOT BE ASSESSED",
        "RULES",
    ]
    assert text.startswith("photo (right eye, judged by disc and fovea)\n")
    assert text.endswith(DISCLAIMER + "\n")
    assert "(ICDR-2)" in text and "(DME-2)" in text and "(ICO-DME-CENTRE)" in text


def test_what_matters_stands_in_the_first_lines():
    lines = text_of([lesion("EX", 1, "superonasal", 0.4)], FOUND).splitlines()
    assert lines[2:4] == [
        "GRADE 2 by the visible lesions, moderate non-proliferative diabetic retinopathy.",
        "DME RISK 2. REFER to an ophthalmologist, within 1 month (ICO-DME-CENTRE).",
    ]
    assert text_of([], FOUND).splitlines()[3] == "DME RISK 0. Re-examine, within 24 months (ICO-0)."


def test_a_model_is_told_the_findings_and_not_the_readings():
    lines = prompt_lines(evidence_of([lesion("HE", 1, "superonasal", 2.0), lesion("HE", 2, "superonasal", 3.0)]))
    assert "[E6] 2 haemorrhages were found [HE-1, HE-2]." in lines and "[E5] No microaneurysms were found." in lines
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
