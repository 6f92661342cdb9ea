"""Optional sign-in by OpenID Connect: on where Streamlit's secrets have an [auth] section, and then nobody gets past it."""

from __future__ import annotations

import hashlib
from importlib.util import find_spec

import streamlit as st
from streamlit.errors import StreamlitAPIException

from retinai.lesions import DISCLAIMER


def wanted() -> bool:
    """Whether this server asks people to sign in."""
    try:
        return "auth" in st.secrets
    except (FileNotFoundError, StreamlitAPIException):
        return False


def require() -> None:
    """Let the page go on for those who may see it; stop it for others."""
    if not wanted() or (find_spec("authlib") and st.user.is_logged_in):
        return
    st.title("RetinAI")
    if find_spec("authlib"):
        st.button("Sign in", on_click=st.login, type="primary", icon=":material/login:")
    else:
        st.error("This server is set to ask for a sign-in and lacks the package for it (Authlib).")
    st.caption(DISCLAIMER)
    st.stop()


def reader() -> str:
    """What stands for the person in the feedback: a hash of the sign-in, never a name; empty where nobody signs in."""
    if not wanted():
        return ""
    who = f"{st.user.get('iss')}|{st.user.get('sub')}"
    return hashlib.sha256(who.encode()).hexdigest()[:16]
