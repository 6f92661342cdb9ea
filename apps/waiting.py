"""The box that tells what is being read, and how many photographs of others come first."""

from __future__ import annotations

import streamlit as st

from apps.service import Service
from apps.session import Session

_EVERY_S = 1.0


def show_waiting(session: Session, service: Service) -> None:
    """Move the session's photographs along; while some wait, look again every second without rerunning the page."""
    if session.step(service.line, service.read, service.door):
        st.rerun()
    if session.busy:
        st.fragment(run_every=_EVERY_S)(_box)(session, service)


def _box(session: Session, service: Service) -> None:
    if session.step(service.line, service.read, service.door):
        st.rerun(scope="app")
    if not session.waiting:
        return
    where = _where(service.line.place(session.ticket)) if session.ticket else "Your photograph is being checked."
    with st.container(border=True, key="waiting"):
        st.markdown(f"**{where}**")
        done, total = session.batch()
        if total > 1:
            st.progress(done / total, f"{done} of {total} photographs read")
        if st.button("Stop", icon=":material/stop:", key="stop"):
            session.stop(service.line, service.door)
            st.rerun(scope="app")


def _where(before: int) -> str:
    if before == 0:
        return "Your photograph is being read."
    return f"In the queue: {before} photograph{'s' if before > 1 else ''} of others first." if before else ""
