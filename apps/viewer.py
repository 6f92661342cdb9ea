"""The script that Streamlit runs for `retinai view`. The page is in `apps.page`; here it meets the models."""

from __future__ import annotations

import streamlit as st

from apps.page import show
from apps.service import Service, load_service
from apps.settings import Settings


@st.cache_resource(show_spinner=False)
def service(settings: Settings) -> Service:
    """One for all sessions of this server."""
    return load_service(settings)


if __name__ == "__main__":
    show(lambda: service(Settings.read()))
