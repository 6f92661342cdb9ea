"""Two eyes: the worse grade, the differences, photographs that look like the other eye, and when to see an ophthalmologist."""

from __future__ import annotations

from dataclasses import replace

from fusion.advice import advise
from fusion.evidence import gather
from fusion.eyes import compare
from fusion.rules import dme_risk, follow_up, grade_interval
from fusion.unseen import unseen
from fusion.write import WIDTH
from retinai.lesions import DISCLAIMER
from retinai.types import CheckedAnswer, Explanation, Eye, Grade, GradeSet, Landmarks, Lesion, Quality
from tests.drawn_lesions import lesion


def explained(eye: Eye | None, *lesions: Lesion, said: Grade | None = None) -> Explanation:
    interval, dme = grade_interval(lesions), dme_risk(lesions)
    advice = advise(interval, dme, said, asked=said is not None)
    evidence = gather(lesions, interval, dme, follow_up(interval.visible, dme))
    answer = CheckedAnswer("test", "", False, said) if said else None
    marks = Landmarks((900.0, 500.0), 100.0, 0.9, eye=eye)
    return Explanation(
        "photo", Quality(True), marks, lesions, evidence, interval, dme.risk, advice.text, unseen(marks), "text\n", {}, answer, None, advice
    )


def ungradable() -> Explanation:
    return Explanation("photo", Quality(False, ("too dark",)), Landmarks(), (), (), None, None, None, (), "text\n", {})


def grade(level: int, *levels: int) -> Grade:
    return Grade(level, tuple(1.0 if i == level else 0.0 for i in range(5)), "test", GradeSet(levels, 0.9, 50) if levels else None)


SICK = (lesion("HE", 1, "superonasal", 2.0), lesion("HE", 2, "superonasal", 3.0), lesion("MA"))


def test_the_worse_eye_is_the_patients_grade_and_the_sooner_advice_the_patients() -> None:
    patient = compare(explained("right", *SICK), explained("left", lesion("MA")))
    assert (patient.level, patient.worse, patient.advice_eye) == (2, "right", "right")
    assert patient.advice is not None and patient.advice.clause == "ICO-2"
    assert patient.ophthalmologist == () == patient.laterality
    assert patient.text.startswith("Both eyes\n\nRefer within 6 months (right eye).")
    assert "At least moderate NPDR in the right eye." in patient.text
    assert "\nBy visible lesions: right grade 2, left grade 1.\n" in patient.text


def test_how_the_eyes_differ() -> None:
    near = compare(explained("right", lesion("MA")), explained("left"))
    assert near.asymmetry == ("The eyes differ by 1 grade: right 1, left 0.", "Marked in the right eye only: 1 microaneurysm [right MA-1].")
    far = compare(explained("right"), explained("left", *SICK))
    assert far.asymmetry[0] == "The eyes differ by 2 grades: right 0, left 2; a person should look for the reason."
    assert far.asymmetry[2] == "Marked in the left eye only: 2 haemorrhages [left HE-1 and 1 more]."
    same = compare(explained("right", *SICK), explained("left", *SICK))
    assert same.worse == "both" and same.asymmetry == ("The visible lesions of both eyes fit grade 2.",)


def test_an_eye_that_could_not_be_graded_is_not_healthy() -> None:
    patient = compare(explained("right"), ungradable())
    assert (patient.level, patient.worse, patient.asymmetry) == (0, "right", ())
    assert patient.ophthalmologist == ("the photograph of the left eye could not be graded, so nothing is known of it",)
    assert "By visible lesions: right grade 0, left ungradable." in patient.text
    assert "See an ophthalmologist" in patient.text and "Re-examine" not in patient.text
    neither = compare(ungradable(), ungradable())
    assert neither.level is None and neither.advice is None and neither.text.startswith("Both eyes\n\nSee an ophthalmologist")


def test_discordant_readings_ask_for_an_ophthalmologist() -> None:
    patient = compare(explained("right", said=grade(1, 1, 2)), explained("left", said=grade(0, 0)))
    assert patient.ophthalmologist == (
        "the readings of the right eye do not agree (the visible lesions fit grade 0, the language model says 1; "
        "grades 1 to 2 are likely, some to be referred and some not)",
    )
    assert "Language model: right grade 1, left grade 0." in patient.text


def test_a_photograph_that_looks_like_the_other_eye_is_said() -> None:
    one = compare(explained("left"), explained("left"))
    assert one.laterality == ("The photograph given as the right eye looks like a left eye by disc and fovea: wrong eye, or mirrored.",)
    assert one.ophthalmologist == ("it is not certain which photograph shows which eye",)
    swapped = compare(explained("left"), explained("right"))
    assert swapped.laterality[0].startswith("By disc and fovea each photograph looks like the other eye")
    assert compare(explained(None), explained("left")).laterality == ()


def test_the_text_fits_a_terminal_and_carries_the_disclaimer() -> None:
    patient = compare(replace(explained("left", *SICK), image="a" * 20), ungradable())
    assert max(len(line) for line in patient.text.splitlines()) <= WIDTH and patient.text.endswith(DISCLAIMER + "\n")
