"""The page without a browser: from the start page to an explanation, a worklist, an opinion; and what is said when something is wrong."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest
from viewer_case import NAME, black, photograph

from apps.feedback import Store
from apps.session import Session
from apps.settings import Settings
from retinai.lesions import DISCLAIMER

PAGE = Path(__file__).with_name("viewer_page.py")


@pytest.fixture()
def feedback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """Where the page keeps opinions."""
    path = tmp_path / "feedback.sqlite"
    monkeypatch.setenv("RETINAI_VIEWER", "")
    Settings(feedback=str(path)).export()
    return Store(path)


@pytest.fixture()
def page(feedback: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """The start page. The example is a smaller one, for speed."""
    small = tmp_path / "example.jpg"
    small.write_bytes(photograph())
    monkeypatch.setattr("apps.start.example", lambda: small)
    return AppTest.from_file(str(PAGE), default_timeout=120).run()


def session(page: AppTest) -> Session:
    return page.session_state["session"]


def settle(page: AppTest) -> AppTest:
    """Until nothing waits any more."""
    end = time.monotonic() + 120
    while session(page).busy:
        assert time.monotonic() < end, "nothing is read"
        time.sleep(0.02)
        page.run()
    assert not page.exception
    return page


def upload(page: AppTest, data: bytes, label: str = "A photograph of one eye", kind: str = "image/jpeg") -> AppTest:
    uploader = next(each for each in page.file_uploader if each.label == label)
    uploader.upload(NAME, data, kind)
    return settle(page.run())


def words(page: AppTest) -> str:
    """Everything that can be read on the page, without the escapes that keep it from being Markdown."""
    kinds = (page.markdown, page.caption, page.error, page.warning, page.info, page.success, page.title)
    return "\n".join(element.value for kind in kinds for element in kind).replace("\\", "")


def test_from_the_start_page_to_an_explained_example_in_one_click(page: AppTest) -> None:
    assert DISCLAIMER in words(page) and {"How to use this page", "What the grades mean"} <= {each.label for each in page.expander}
    settle(page.button("example").click().run())
    said = words(page)
    assert "#### Refer within 1 month. At least moderate NPDR (likely 2-3)." in said and "Auxiliary" not in said
    assert "[HE-1](#lesion-HE-1)" in said and "Could not be assessed" in said and DISCLAIMER in said
    assert [tab.label for tab in page.tabs] == ["Explanation", "Lesions", "Second reader", "Downloads"]


def test_what_the_model_said_wrongly_is_behind_the_fold_with_its_reason(page: AppTest) -> None:
    upload(page, photograph())
    (fold,) = (each for each in page.expander if each.label.startswith("Withheld"))
    inside = "\n".join(element.value for element in fold.markdown).replace("\\", "")
    assert "No hard exudates" in inside and "are marked" in inside and "enous beading" in inside
    outside = words(page).replace(inside, "")
    assert "No hard exudates" not in outside
    assert "Needs review by a grader" in outside


def test_the_file_s_name_is_shown_in_no_case(page: AppTest) -> None:
    upload(page, photograph())
    assert "Jane" not in words(page) and "Case 1, right eye" in words(page)


def test_an_ungradable_photograph_says_what_is_wrong_and_how_to_take_it_again(page: AppTest) -> None:
    upload(page, black(), kind="image/png")
    said = words(page)
    assert "#### Ungradable" in said and "How to take it again" in said and "Grade 0" not in said
    assert not page.tabs


@pytest.mark.parametrize(("data", "reason"), [(photograph()[:9000], "truncated or damaged"), (b"GIF89a" + bytes(99), "is a GIF file")])
def test_a_file_that_is_no_photograph_is_one_line(page: AppTest, data: bytes, reason: str) -> None:
    upload(page, data)
    assert reason in page.error[0].value and "Traceback" not in words(page) and "Jane" not in words(page)


def test_the_own_grade_comes_first_and_is_kept(page: AppTest, feedback: Store) -> None:
    page.toggle("blind").set_value(True).run()
    upload(page, photograph())
    assert "Your grade first" in words(page) and "Refer" not in words(page) and "NPDR" not in words(page) and not page.tabs
    page.radio[0].set_value(3)
    next(each for each in page.button if each.label.startswith("Show")).click().run()
    assert "#### Refer within 1 month" in words(page) and "you said: **grade 3**" in words(page)
    (row,) = feedback.grades()
    assert (row["verdict"], row["grade"], row["blind"], row["lesion_grade"], row["vlm_grade"]) == ("own", 3, 1, 2, 3)


def test_a_grade_given_after_the_reading_was_shown_is_not_kept_as_blind(page: AppTest, feedback: Store) -> None:
    upload(page, photograph())
    assert "#### Refer within 1 month" in words(page)
    page.toggle("blind").set_value(True).run()
    assert "You have seen the model's reading of this photograph already" in words(page) and "#### Refer" not in words(page)
    page.radio[0].set_value(3)
    next(each for each in page.button if each.label.startswith("Show")).click().run()
    assert "After you saw the model's reading you said: **grade 3**" in words(page)
    (row,) = feedback.grades()
    assert (row["verdict"], row["grade"], row["blind"]) == ("own", 3, 0)


def test_an_opinion_is_kept_and_said_to_be(page: AppTest, feedback: Store) -> None:
    upload(page, photograph())
    page.button_group("verdict-1").set_value("I disagree").run()
    page.selectbox("grade-1").set_value(1).run()
    page.button("keep-1").click().run()
    assert "Kept: grade 1" in words(page)
    assert [(row["verdict"], row["grade"]) for row in feedback.grades()] == [("disagree", 1)]


def test_a_lesion_in_view_is_rejected(page: AppTest, feedback: Store) -> None:
    upload(page, photograph())
    session(page).fly("HE-1")
    page.run().button("reject").click().run()
    assert [(row["lesion"], row["verdict"]) for row in feedback.lesions()] == [("HE-1", "reject")]


def test_many_photographs_are_a_worklist(page: AppTest) -> None:
    session(page).add([("a.jpg", photograph(), None), ("b.png", black(), None), ("c.jpg", b"no picture", None)])
    session(page).page = "list"
    settle(page.run())
    table = page.dataframe[0].value
    rows = table.to_dict("records")
    assert [row["case"] for row in rows] == ["Case 2", "Case 3", "Case 1, right eye"]
    assert rows[0]["what to do"] == "Take another photograph."
    assert str(rows[2]["what to do"]).startswith("Refer within 1 month. At least moderate NPDR (likely 2-3).")
    assert [row["readings"] for row in rows][:2] == ["ungradable", "could not be read"]


def test_both_eyes_are_one_patient(page: AppTest) -> None:
    for eye, width in (("Right eye", 1072), ("Left eye", 1000)):
        next(each for each in page.file_uploader if each.label == eye).upload(NAME, photograph(width), "image/jpeg")
    page.run().button("read-both").click().run()
    settle(page)
    assert [case.label for case in session(page).cases] == ["Case 1, right eye", "Case 2, left eye"]
    assert "Go to Case 1, right eye" in {each.label for each in page.button}
    assert "The photograph given as the left eye looks like a right eye" in page.code[0].value.replace("\n  ", " ")


def test_models_that_are_not_there_are_one_line(feedback: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RETINAI_VIEWER", "")
    Settings(feedback=str(feedback.path), weights=str(tmp_path)).export()
    page = AppTest.from_file(str(PAGE.parents[1] / "apps" / "viewer.py"), default_timeout=120).run()
    assert not page.exception and page.error[0].value.startswith("The models could not be loaded: no lesion weights in")


def test_where_a_sign_in_is_set_up_nobody_gets_past_it(feedback: Store) -> None:
    page = AppTest.from_file(str(PAGE), default_timeout=120)
    page.secrets["auth"] = {"redirect_uri": "http://localhost:8501/oauth2callback"}
    page.run()
    assert not page.exception and not page.file_uploader and DISCLAIMER in words(page)
