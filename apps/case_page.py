"""One case: the picture on the left, and beside it the explanation, the lesions, the second reader, the downloads."""

from __future__ import annotations

import streamlit as st

from apps.canvas import fundus_canvas, make_scene
from apps.cases import Case
from apps.downloads import document_json, lesions_csv, masks_zip, overlay_png, patient_json
from apps.explanation import show_explanation, show_ungradable
from apps.feedback import Store
from apps.lesions import show_lesions
from apps.links import clicked
from apps.pdf import patient_pdf
from apps.second import ask_first, judge_lesion, show_second_reader, verdicts
from apps.session import Session
from retinai.types import Landmarks

_HEIGHT = 440  # px: with the buttons around it the picture fits a screen of 800


def show_case(session: Session, store: Store, case: Case) -> None:
    """The whole case."""
    _title(session, case)
    if case.error:
        st.error(f"This photograph could not be read: {case.error}.")
        return
    with st.container(key="case"):
        st.fragment(_case)(session, store, case)


def _title(session: Session, case: Case) -> None:
    """Which case this is, and the way to the patient's other eye."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"#### {case.label}", width="content")
        for other in session.eyes(case):
            if other is not case and st.button(f"Go to {other.label}", key=f"other-{other.upload.number}"):
                session.show(other.upload.number)
                st.rerun()
    patient = session.patient(case)
    if patient:
        for other in session.eyes(case):
            session.saw(other)
        with st.expander("Both eyes together", expanded=True):
            st.code(patient.text, language=None, wrap_lines=True)


def _case(session: Session, store: Store, case: Case) -> None:
    """A click in here runs this part of the page alone."""
    hidden = session.hidden(case)
    picture, words = st.columns([3, 2], gap="medium")
    with words, st.container(key="words"):
        if hidden:
            ask_first(session, case, store)
        elif case.explanation and not case.explanation.quality.gradable:
            show_ungradable(case)
        else:
            session.saw(case)
            _tabs(session, store, case)
    with picture:
        _picture(session, case, hidden)


def _tabs(session: Session, store: Store, case: Case) -> None:
    explained, table, second, downloads = st.tabs(["Explanation", "Lesions", "Second reader", "Downloads"])
    lesion = clicked()
    if lesion:
        session.fly(lesion)
    with explained:
        show_explanation(case)
    with table:
        session.pick(show_lesions(case, verdicts(case, store)))
        judge_lesion(session, case, store)
    with second:
        show_second_reader(session, case, store)
    with downloads:
        _downloads(session, case)


def _picture(session: Session, case: Case, hidden: bool) -> None:
    """The canvas. What it shows is encoded once, and again when the lesions may be seen."""
    name = f"case-{case.upload.number}-{'photograph' if hidden else 'lesions'}"
    if session.scene is None or session.scene[0] != name:
        with st.spinner("Opening the photograph"):
            reading = case.open()
            told = [] if hidden or not reading.regions else [(each, reading.regions.contours(each)) for each in reading.explanation.lesions]
            landmarks = Landmarks() if hidden else reading.explanation.landmarks
            session.scene = (name, make_scene(reading.image, told, landmarks, None if hidden else reading.saliency))
    chosen = fundus_canvas(session.scene[1], key=f"case-{case.upload.number}", selected=session.focus, nonce=session.nonce, height=_HEIGHT)
    if chosen is not None and (chosen or None) != session.focus:
        session.focus = chosen or None
        st.rerun()


def _downloads(session: Session, case: Case) -> None:
    """Each is made when it is asked for. What leaves the server is named after the case, never after the file that came."""
    stem, patient = f"case-{case.upload.number}", session.patient(case)
    eyes = [other for other in session.eyes(case) if not session.hidden(other)]
    files = (
        ("Report of one page (PDF)", f"{stem}.pdf", "application/pdf", lambda: patient_pdf(eyes, patient)),
        ("Overlay (PNG)", f"{stem}-overlay.png", "image/png", lambda: overlay_png(case)),
        ("Explanation (JSON)", f"{stem}.json", "application/json", lambda: document_json(case)),
        ("Masks (ZIP)", f"{stem}-masks.zip", "application/zip", lambda: masks_zip(case)),
        ("Lesions (CSV)", f"{stem}-lesions.csv", "text/csv", lambda: lesions_csv(case)),
    )
    if patient:
        files += (("Both eyes (JSON)", f"{stem}-both.json", "application/json", lambda: patient_json(patient)),)
    for label, name, kind, make in files:
        st.download_button(label, make, name, kind, on_click="ignore", key=name, icon=":material/download:", width="stretch")
    st.caption("The report holds both eyes of this patient." if len(eyes) > 1 else "The report holds this eye.")
    st.caption("A report leaves room for the patient's name, which is not known here.")
