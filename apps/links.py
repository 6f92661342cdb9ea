"""Sentences as Markdown whose citations are links, and the one listener that tells the page which was clicked."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

import streamlit as st

from retinai.types import CITED, Evidence

if TYPE_CHECKING:
    from streamlit.components.v2.types import ComponentRenderer

_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~$:&])")
_LISTENER = """
export default function (component) {
  const { setTriggerValue } = component;
  const heard = (event) => {
    const link = event.target.closest ? event.target.closest('a[href^="#lesion-"]') : null;
    if (!link) return;
    event.preventDefault();
    event.stopPropagation();
    setTriggerValue("lesion", link.getAttribute("href").slice("#lesion-".length));
  };
  document.addEventListener("click", heard, true);
  return () => document.removeEventListener("click", heard, true);
}
"""


def plain(text: str) -> str:
    """Text in which nothing is Markdown, whoever wrote it."""
    return _SPECIAL.sub(r"\\\1", text)


def cited(evidence: Evidence) -> str:
    """The sentence, each of its first citations a link to the lesion."""
    if not evidence.lesions:
        return plain(evidence.statement)
    links = ", ".join(f"[{lesion}](#lesion-{lesion})" for lesion in evidence.lesions[:CITED])
    rest = len(evidence.lesions) - CITED
    return f"{plain(evidence.statement.rstrip('.'))} \\[{links}{f' and {rest} more' if rest > 0 else ''}\\]\\."


def clicked() -> str | None:
    """The lesion whose citation was clicked since the last run."""
    return _component()(key="citations", height=1, on_lesion_change=lambda: None).get("lesion")


@cache
def _component() -> ComponentRenderer:
    return st.components.v2.component("retinai_citations", js=_LISTENER)
