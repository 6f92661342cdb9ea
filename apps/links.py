"""Lines as Markdown whose citations are links, and the one listener that tells the page which was clicked."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING

from streamlit.components import v2

if TYPE_CHECKING:
    from streamlit.components.v2.types import ComponentRenderer

_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~$:&])")
_ID = re.compile(r"(?<![\w-])([A-Z]{2,4}-\d+)(?![\w-])")
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


def linked(text: str, lesions: Iterable[str]) -> str:
    """The same, with every id of one of these lesions a link to it."""
    known = set(lesions)
    words = _ID.split(text)
    return "".join(f"[{word}](#lesion-{word})" if n % 2 and word in known else plain(word) for n, word in enumerate(words))


def clicked() -> str | None:
    """The lesion whose citation was clicked since the last run."""
    return _component()(key="citations", height=1, on_lesion_change=lambda: None).get("lesion")


@cache
def _component() -> ComponentRenderer:
    return v2.component("retinai_citations", js=_LISTENER)
