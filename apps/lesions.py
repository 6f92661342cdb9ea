"""The lesions as a table: sorted by a click on a column, filtered, and a click on a row flies to the lesion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from apps.cases import Case
from retinai.lesions import CLASSES, LESIONS
from retinai.types import Lesion


def rows(lesions: Sequence[Lesion], disc_diameter_px: float | None, verdicts: Mapping[str, str]) -> list[dict[str, Any]]:
    """One row a lesion. size: its mean diameter in disc diameters, where the disc was found."""
    return [
        {
            "id": lesion.id,
            "class": CLASSES[lesion.code].name,
            "size (DD)": _diameter(lesion.area_px) / disc_diameter_px if disc_diameter_px else None,
            "area (px)": lesion.area_px,
            "quadrant": lesion.place.quadrant or "unknown",
            "to the fovea (DD)": lesion.place.distance_dd,
            "confidence": lesion.confidence,
            "yours": verdicts.get(lesion.id, ""),
        }
        for lesion in lesions
    ]


def _diameter(area_px: int) -> float:
    """Of the circle of the same area."""
    return 2 * (area_px / 3.141592653589793) ** 0.5


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
        st.info("No lesion was found from the confidence on at which one is told. That does not make it a healthy eye.")
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
    "size (DD)": st.column_config.NumberColumn(format="%.3f", help="Mean diameter in disc diameters."),
    "to the fovea (DD)": st.column_config.NumberColumn(format="%.2f", help="From the lesion's nearest pixel, in disc diameters."),
    "confidence": st.column_config.ProgressColumn(format="percent", min_value=0, max_value=1, help="Highest probability inside."),
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
