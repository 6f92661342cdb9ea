"""The page that `test_apps_canvas.py` opens in a browser: a drawn photograph on the canvas, and what the canvas told."""

from __future__ import annotations

import cv2
import numpy as np
import streamlit as st
from drawn import draw_fundus
from numpy.typing import NDArray

from apps.canvas import Scene, fundus_canvas, make_scene
from retinai.lesions import LESIONS
from retinai.types import FundusImage, Landmarks, Lesion, Place, SaliencyMap

WIDTH, HEIGHT = 960, 640


def drawn() -> tuple[FundusImage, list[tuple[Lesion, list[NDArray[np.int32]]]], Landmarks]:
    """A photograph of 960x640 with one lesion of each class, enlarged five times, its outlines, and both landmarks."""
    small, masks = draw_fundus(WIDTH // 5, HEIGHT // 5)
    pixels = np.asarray(cv2.resize(small, (WIDTH, HEIGHT), interpolation=cv2.INTER_NEAREST), np.uint8)
    found = []
    for code in LESIONS:
        mask = cv2.resize(masks[code].astype(np.uint8), (WIDTH, HEIGHT), interpolation=cv2.INTER_NEAREST)
        lines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        left, top, width, height = cv2.boundingRect(mask)
        place = Place((left + width / 2, top + height / 2), "superotemporal", 1.25)
        lesion = Lesion(f"{code}-1", code, (left, top, width, height), int(mask.sum()), 0.9, place)
        found.append((lesion, [np.asarray(line.reshape(-1, 2), np.int32) for line in lines]))
    disc = (620.0, 320.0)
    return (
        FundusImage("drawn", pixels, np.asarray(pixels.any(axis=2), np.bool_)),
        found,
        Landmarks(disc, 100.0, 0.9, (480.0, 320.0), 0.9, "right"),
    )


@st.cache_resource
def scene(plain: bool) -> Scene:
    image, outlines, landmarks = drawn()
    if plain:
        return make_scene(image, [], Landmarks())
    looked = np.zeros((HEIGHT, WIDTH), np.float32)
    looked[300:340, 460:500] = 1
    return make_scene(image, outlines, landmarks, SaliencyMap(looked, "grade 2", "drawn"))


def page() -> None:
    state = st.session_state
    state.setdefault("goal", (None, 0))
    for name, goal in (("Fly to it", "HE-1"), ("Fly back", None)):
        if st.button(name):
            state.goal = (goal, state.goal[1] + 1)
    plain = st.checkbox("Plain")
    told = fundus_canvas(scene(plain), key="canvas", selected=state.goal[0], nonce=state.goal[1], height=480)
    st.text(f"told: {told!r}")


if __name__ == "__main__":
    st.set_page_config(layout="wide")
    page()
