"""The lesions as a table: sorted by a click on a column, filtered, and a click on a row flies to the lesion."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from apps.cases import Case
from retinai.lesions import CLASSES, LESIONS
from retinai.types import Lesion


def rows(lesions: Sequence[Lesion], disc_diameter_px: float | None, verdicts: Mapping[str, str]) -> list[dict[str, Any]]:
    """One row a lesion. Its size is a mean diameter in disc diameters, and an area in pixels where no disc was found."""
    return [
        {
            "id": lesion.id,
            "class": CLASSES[lesion.code].name,
            "confidence": lesion.confidence,
            **_size(lesion.area_px, disc_diameter_px),
            "fovea (DD)": lesion.place.distance_dd,
            "quadrant": lesion.place.quadrant or "unknown",
            "yours": verdicts.get(lesion.id, ""),
        }
        for lesion in lesions
    ]


def _size(area_px: int, disc_diameter_px: float | None) -> dict[str, float]:
    """The diameter of the circle of the same area."""
    return {"size (DD)": 2 * math.sqrt(area_px / math.pi) / disc_diameter_px} if disc_diameter_px else {"area (px)": area_px}


def chosen(lesions: Sequence[Lesion], codes: Sequence[str], quadrants: Sequence[str], least: float) -> list[Lesion]:
    """The lesions of some classes and quadrants, no choice meaning all, from a confidence on."""
    return [
        lesion
        for lesion in lesions
        if (not codes or lesion.code in codes) and (not quadrants or lesion.place.quadrant in quadrants) and lesion.confidence >= least
    ]


def show_lesions(case: Case, verdicts: Mapping[str, str]) -> str | None:
    """The table with its filters. Returns the id of the row that is selected."""
    explanation = case.explanation
    if explanation is None or not explanation.lesions:
        st.info("No lesion is marked: none reached the confidence from which on one is reported. That does not make it a healthy eye.")
        return None
    shown = chosen(explanation.lesions, *_filters(case, explanation.lesions))
    table = rows(shown, explanation.landmarks.disc_diameter_px, verdicts)
    count = f"{len(shown)} of {len(explanation.lesions)} lesions. A click on a row flies to the lesion, on a heading sorts."
    st.caption(count if shown else "No lesion passes these filters.")
    if not shown:
        return None
    event: Any = st.dataframe(
        table, key=f"lesions-{case.upload.number}", hide_index=True, on_select="rerun", selection_mode="single-row",
        column_config=_COLUMNS, height=min(420, 38 + 35 * len(table)),
    )  # fmt: skip
    picked = event.selection.rows
    return shown[picked[0]].id if picked and picked[0] < len(shown) else None


_COLUMNS: dict[str, Any] = {
    "id": st.column_config.TextColumn(width=60),
    "class": st.column_config.TextColumn(width=105),
    "confidence": st.column_config.NumberColumn(format="percent", width=80, help="Highest probability inside the lesion."),
    "size (DD)": st.column_config.NumberColumn(format="%.3f", width=70, help="Mean diameter in disc diameters."),
    "fovea (DD)": st.column_config.NumberColumn(format="%.2f", width=75, help="From the lesion's nearest pixel, in disc diameters."),
    "yours": st.column_config.TextColumn(help="Your verdict, given below."),
}


def _filters(case: Case, lesions: Sequence[Lesion]) -> tuple[Sequence[str], Sequence[str], float]:
    there = [code for code in LESIONS if any(lesion.code == code for lesion in lesions)]
    quadrants = sorted({lesion.place.quadrant for lesion in lesions if lesion.place.quadrant})
    number = case.upload.number
    codes = st.pills("Class", there, selection_mode="multi", format_func=lambda code: CLASSES[code].plural, key=f"class-{number}")
    with st.container(horizontal=True):
        places = st.multiselect("Quadrant", quadrants, key=f"quadrant-{number}", placeholder="all", disabled=not quadrants)
        least = st.slider("Confidence from", 0, 100, 0, 5, format="%d %%", key=f"least-{number}")
    return codes, places, least / 100
