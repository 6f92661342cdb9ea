"""The second reader: the own grade, before or after the model's is shown, and a verdict on single lesions."""

from __future__ import annotations

from typing import Any

import streamlit as st

from apps import signin
from apps.cases import Case
from apps.feedback import GradeVerdict, Store
from apps.session import Session
from retinai.errors import DataError
from retinai.lesions import CLASSES, GRADES
from retinai.types import Explanation

_LEVELS = (0, 1, 2, 3, 4)
_UNGRADABLE = "cannot be graded"
_SEEN = "You have seen the model's reading of this photograph already, so your grade is kept as one that was given after it."


def _name(level: int | str) -> str:
    return f"{level}, {GRADES[level]}" if isinstance(level, int) else level


def ask_first(session: Session, case: Case, store: Store) -> None:
    """The own grade, before the model's reading is shown. Raises nothing: where it cannot be kept, that is said."""
    st.markdown("#### Your grade first")
    seen = case.upload.sha256 in session.seen
    st.markdown(_SEEN if seen else "The model's reading is shown when you have given yours. Both are kept, without any name.")
    with st.form(f"own-{case.upload.number}", border=False):
        given = st.radio("Grade", [*_LEVELS, _UNGRADABLE], index=None, format_func=_name)
        sent = st.form_submit_button("Show the model's reading", type="primary")
    if sent and given is None:
        st.warning("Choose a grade, or that it cannot be graded.")
    elif sent:
        level = given if isinstance(given, int) else None
        if _keep(store, case, "own", level, seen):
            session.own[case.upload.number] = level
            if seen:
                session.late.add(case.upload.sha256)
            st.rerun(scope="app")


def show_second_reader(session: Session, case: Case, store: Store) -> None:
    """Agree, disagree, correct."""
    explanation, number = case.explanation, case.upload.number
    if explanation is None or explanation.interval is None:
        return
    if number in session.own:
        own = session.own[number]
        when = "After" if case.upload.sha256 in session.late else "Before"
        st.markdown(f"{when} you saw the model's reading you said: **{_UNGRADABLE if own is None else f'grade {own}'}**.")
    told = f"grade {explanation.interval.visible}"
    verdicts: dict[str, GradeVerdict] = {"I agree": "agree", "I disagree": "disagree", "It cannot be graded": "ungradable"}
    choice = st.segmented_control(f"Do you agree with {told} by visible lesions?", list(verdicts), key=f"verdict-{number}")
    level: int | None = None
    if choice == "I disagree":
        others = [other for other in _LEVELS if other != explanation.interval.visible]
        level = st.selectbox("Your grade", others, index=None, format_func=_name, placeholder="not sure which", key=f"grade-{number}")
    sent = st.button("Keep my opinion", type="primary", disabled=choice is None, key=f"keep-{number}")
    if sent and choice and _keep(store, case, verdicts[choice], level):
        said = {"agree": f"you agree with {told}", "ungradable": "you hold it for ungradable"}
        session.kept[number] = said.get(verdicts[choice], f"grade {level}" if level is not None else f"not {told}")
    if number in session.kept:
        st.success(f"Kept: {session.kept[number]}. A new opinion takes its place.", icon=":material/check:")
    st.caption("Kept with the checksums of the photograph and the weights, and the version. No name, no free text.")


def judge_lesion(session: Session, case: Case, store: Store) -> None:
    """Accept or reject the lesion in view."""
    explanation = case.explanation
    lesion = next((each for each in explanation.lesions if each.id == session.focus), None) if explanation else None
    if explanation is None or lesion is None or case.regions is None:
        st.caption("Choose a lesion, in the picture or in the table, to accept or reject it.")
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{lesion.id}**, {CLASSES[lesion.code].name}, confidence {lesion.confidence:.0%}. Is it one?")
        accept = st.button("Accept", icon=":material/check:", key="accept")
        reject = st.button("Reject", icon=":material/close:", key="reject")
    if accept or reject:
        outlines: list[Any] = list(case.regions.contours(lesion))
        try:
            store.lesion(explanation, lesion, outlines, "accept" if accept else "reject", signin.reader())
            st.rerun(scope="app")
        except DataError:
            _sorry()


def verdicts(case: Case, store: Store) -> dict[str, str]:
    """This reader's verdicts on the lesions of a case, in words for the table."""
    words = {"accept": "accepted", "reject": "rejected"}
    try:
        explanation: Explanation | None = case.explanation
        return {i: words[v] for i, v in store.lesion_verdicts(explanation, signin.reader()).items()} if explanation else {}
    except DataError:
        return {}


def _keep(store: Store, case: Case, verdict: GradeVerdict, level: int | None, seen: bool = False) -> bool:
    if case.explanation is None:
        return False
    try:
        store.grade(case.explanation, verdict, level, signin.reader(), seen)
    except DataError:
        _sorry()
        return False
    return True


def _sorry() -> None:
    st.error("Your opinion could not be kept: the server's feedback file cannot be written. Tell whoever runs it.")
