"""The page: a line with the way home, then the start page, the worklist or one case."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import streamlit as st
from PIL import Image

import retinai
from apps import signin
from apps.case_page import show_case
from apps.service import Service
from apps.session import Session
from apps.start import show_start
from apps.waiting import show_waiting
from apps.worklist import ordered, row
from retinai.errors import RetinaiError
from retinai.lesions import DISCLAIMER

_STYLE = """
<style>
.block-container { padding-top: 1.1rem; padding-bottom: 1.5rem; max-width: 1500px; }
[data-testid="stHeader"] { background: none; }
[data-testid="stHeader"], [data-testid="stHeader"] div { pointer-events: none; }
[data-testid="stHeader"] button { pointer-events: auto; }
.st-key-bar { padding-right: 3rem; }
.st-key-case .stMarkdown li { margin-bottom: .1rem; }
@media (min-width: 961px) {
  .st-key-words { max-height: calc(100vh - 10rem); min-height: 420px; overflow-y: auto; padding-right: .5rem; }
}
@media (max-width: 960px) and (min-height: 1000px) {
  .st-key-words { max-height: calc(100vh - 790px); min-height: 380px; overflow-y: auto; }
}
@media (max-width: 960px) {
  .st-key-case > div > [data-testid="stHorizontalBlock"], .st-key-case > [data-testid="stHorizontalBlock"] { flex-direction: column; }
  .st-key-case [data-testid="stColumn"] { width: 100%; flex: 1 1 100%; }
}
</style>
"""


def show(make: Callable[[], Service]) -> None:
    """The whole page. make: loads what the sessions share, once."""
    st.set_page_config(page_title="RetinAI", page_icon=_icon(), layout="wide", initial_sidebar_state="collapsed")
    st.html(_STYLE)
    signin.require()
    try:
        with st.spinner("Loading the models", show_time=True):
            service = make()
    except RetinaiError as error:
        st.error(f"The models could not be loaded: {error}")
        st.stop()
    session: Session = st.session_state.setdefault("session", Session())
    _bar(session)
    _message(session)
    show_waiting(session, service)
    _body(session, service)
    st.caption(f"RetinAI {retinai.__version__}. {DISCLAIMER}")


def _icon() -> Image.Image:
    """An eye of two circles. A named icon would be fetched from a server elsewhere, and nothing here may be."""
    icon = np.zeros((64, 64, 4), np.uint8)
    cv2.circle(icon, (32, 32), 30, (11, 110, 110, 255), cv2.FILLED, cv2.LINE_AA)
    cv2.circle(icon, (42, 32), 7, (255, 225, 150, 255), cv2.FILLED, cv2.LINE_AA)
    return Image.fromarray(icon)


def _body(session: Session, service: Service) -> None:
    case = session.case(session.number) if session.page == "case" else None
    if case is not None:
        show_case(session, service.store, case)
    elif session.page == "list":
        _worklist(session)
    else:
        show_start(session)


def _bar(session: Session) -> None:
    """Where one can go."""
    with st.container(horizontal=True, vertical_alignment="center", key="bar"):
        st.markdown(f"**RetinAI** &nbsp; :small[{DISCLAIMER}]", width="content")
        if session.page != "start" and st.button("New photograph", icon=":material/add_a_photo:", key="home"):
            session.page = "start"
            st.rerun()
        if session.cases and session.page != "list" and st.button(f"Worklist ({len(session.cases)})", icon=":material/list:", key="list"):
            session.page = "list"
            st.rerun()
        session.blind = st.toggle("My grade first", session.blind, key="blind", help="Hide the model's reading until you have given yours.")
        if signin.wanted():
            st.button("Sign out", on_click=st.logout, key="logout")


def _message(session: Session) -> None:
    if session.message:
        st.warning(session.message)
        session.message = ""


def _worklist(session: Session) -> None:
    """The cases of this session, the most urgent first; a click opens one."""
    st.markdown("### Worklist")
    cases = ordered(session)
    if not cases:
        st.info("Nothing has been read yet in this session." if not session.busy else "The first photograph is being read.")
        return
    waits = " Cases whose grade you have not given yet stand last, in the order in which they came." if session.blind else ""
    st.caption(f"The most urgent first; a click on a row opens the case.{waits} The list goes when you close the page.")
    for case in cases:
        if not session.hidden(case):
            session.saw(case)
    event = st.dataframe([row(case, session.hidden(case)) for case in cases], hide_index=True, on_select="rerun",
                         selection_mode="single-row", key=f"worklist-{len(cases)}-{session.turns}")  # fmt: skip
    picked = event.selection.rows  # type: ignore[attr-defined]
    if picked:
        session.turns += 1  # a table of its own next time, in which nothing is selected
        session.show(cases[picked[0]].upload.number)
        st.rerun()
