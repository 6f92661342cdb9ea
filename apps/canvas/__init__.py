"""The fundus canvas: a photograph with lesion layers that is zoomed, toggled and measured in the browser, without a server round trip.

    scene = make_scene(reading.image, outlines, reading.explanation.landmarks, reading.saliency)   # once, kept with the reading
    clicked = fundus_canvas(scene, key="canvas", selected="HE-3", nonce=4)                          # in every run

The scripts beside this file are joined in the order of `SCRIPTS` into the one module that Streamlit loads; there is no build step.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st
from streamlit import runtime
from streamlit.components import v2

from apps.canvas.scene import Scene, make_scene

if TYPE_CHECKING:
    from streamlit.components.v2.types import ComponentRenderer

__all__ = ["Scene", "fundus_canvas", "make_scene"]

SCRIPTS = ("view.js", "picture.js", "layers.js", "tools.js", "actions.js", "controls.js", "input.js", "main.js")
_FOLDER = Path(__file__).parent


def fundus_canvas(scene: Scene, *, key: str, selected: str | None = None, nonce: int = 0, height: int = 600) -> str | None:
    """Show a scene. Returns the id of the lesion that the user chose since the last run, '' where the choice was lifted, else None.

    key: of the element; the view (zoom, layers) lives as long as the key does. selected, nonce: whenever nonce changes, the canvas
    flies to the lesion `selected`, or back to where it was when `selected` is None; the same nonce moves nothing, so a click
    that comes back as `selected` needs no new one. An id that the scene does not have moves nothing. height: of the picture, px.
    """
    data = {
        "photograph": _serve(scene.photograph, "image/jpeg", f"{key}-photograph"),
        "red_free": _serve(scene.red_free, "image/jpeg", f"{key}-red-free"),
        "layers": _serve(scene.layers, "application/json", f"{key}-layers"),
        "saliency": _serve(scene.saliency, "image/png", f"{key}-saliency") if scene.saliency else None,
        "selected": selected,
        "nonce": nonce,
        "height": height,
    }
    return _component()(key=key, data=data, on_lesion_change=lambda: None).get("lesion")


def _serve(content: bytes, mimetype: str, place: str) -> str:
    """The address from which this session's browser fetches it: memory only, gone with the session, sent once however often it reruns."""
    if not runtime.exists():
        return ""
    address = runtime.get_instance().media_file_mgr.add(content, mimetype, f"fundus-canvas-{place}")
    base = st.get_option("server.baseUrlPath").strip("/")
    return f"/{base}{address}" if base else address


@cache
def _component() -> ComponentRenderer:
    script = "\n".join((_FOLDER / name).read_text(encoding="utf-8") for name in SCRIPTS)
    style = (_FOLDER / "canvas.css").read_text(encoding="utf-8")
    return v2.component("retinai_fundus_canvas", css=style, js=script)
