"""The start page: what this is, how to use it, what the grades mean, and three ways to bring photographs, one of them the example."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import streamlit as st

from apps.explanation import RETAKE, grades_table
from apps.session import MOST, Session
from apps.settings import MOST_MB, example
from retinai.image import READ
from retinai.types import Eye

_TYPES = ["jpg", "jpeg", "png", "tif", "tiff", "bmp"]
_STEPS = """
1. Bring a photograph of the retina: colour, the disc and the macula in it. The eye is told from disc and fovea; say it where you know it.
2. The picture comes back with every lesion that was found outlined, and beside it what they mean. A click on a citation such as
   HE-3 flies to that lesion; another click flies back.
3. Read what could not be assessed. No sentence here is an all-clear.
4. Say where you disagree: your grade and your verdicts on single lesions are kept as labels, without any name.
"""
_PRIVACY = f"""
A photograph lies in this server's memory only and goes when you close the page. Its file name is shown to you alone: it stands in no
download, no log and no database. What you say as second reader is kept with a checksum of the photograph. Nothing is sent elsewhere.
Files of up to {MOST_MB} MB; {READ}.
"""


def show_start(session: Session) -> None:
    """The whole page."""
    left, right = st.columns([3, 2], gap="large")
    with left:
        st.markdown("### A photograph of the retina in, lesions and cited sentences out")
        _uploads(session)
    with right:
        _first_time(session)
    with st.expander("How to use this page"):
        st.markdown(_STEPS)
    with st.expander("What the grades mean"):
        st.markdown(grades_table())
    with st.expander("How to take a photograph that can be graded"):
        st.markdown("\n".join(f"- {line}" for line in RETAKE))
    with st.expander("What happens to a photograph"):
        st.markdown(_PRIVACY)


def _first_time(session: Session) -> None:
    with st.container(border=True):
        st.markdown("**First time here?**")
        path = example()
        if path is None:
            st.markdown("The example photograph comes with the source code and is not part of this installation.")
            return
        st.markdown("See what an explained photograph looks like: an eye with all four kinds of lesion.")
        if st.button("Explain the example photograph", type="primary", icon=":material/play_arrow:", key="example"):
            _take(session, [(path.name, path.read_bytes(), None)])
        st.caption("IDRiD_18, (c) Porwal, Pachade and Kokare, CC BY 4.0. A validation photograph: the lesion model was not trained on it.")


def _uploads(session: Session) -> None:
    """Three tabs. The uploaders are renewed after each use, so that no file is held twice."""
    one, both, many = st.tabs(["One photograph", "Both eyes", "Many"])
    with one:
        file = st.file_uploader("A photograph of one eye", _TYPES, key=f"one-{session.turns}", max_upload_size=MOST_MB)
        if file:
            _take(session, _contents([file]))
    with both:
        _both_eyes(session)
    with many:
        files = st.file_uploader(
            "Photographs of many eyes", _TYPES, accept_multiple_files=True, key=f"many-{session.turns}", max_upload_size=MOST_MB
        )
        if st.button(f"Read {len(files)} photographs" if files else "Read them", disabled=not files, key="read-many"):
            session.page = "list"
            _take(session, _contents(files))


def _both_eyes(session: Session) -> None:
    st.caption("Seen from the front, as on a chart: the right eye stands on the left.")
    places = st.columns(2)
    eyes: list[tuple[str, bytes, Eye | None]] = []
    sides: tuple[Eye, Eye] = ("right", "left")
    for place, eye in zip(places, sides, strict=True):
        with place:
            file = st.file_uploader(f"{eye.capitalize()} eye", _TYPES, key=f"{eye}-{session.turns}", max_upload_size=MOST_MB)
        eyes += _contents([file], eye) if file else []
    same = len(eyes) == 2 and eyes[0][1] == eyes[1][1]
    if same:
        st.error("Both are the same photograph.")
    if st.button("Read both eyes" if len(eyes) != 1 else "Read one eye", disabled=same or not eyes, key="read-both"):
        _take(session, eyes, together=True)


def _contents(files: Iterable[Any], eye: Eye | None = None) -> list[tuple[str, bytes, Eye | None]]:
    return [(file.name, file.getvalue(), eye) for file in files]


def _take(session: Session, files: list[tuple[str, bytes, Eye | None]], together: bool = False) -> None:
    left_out = session.add(files, together)
    if left_out:
        session.message = f"{left_out} photographs were not taken: one session holds {MOST}. Reload the page for a new one."
    st.rerun()
