"""What becomes of the names that files have."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retinai.names import LONGEST, safe_name, shown

HOSTILE = {
    "photograph.jpg": "photograph",
    "p 1.left-eye (2).jpg": "p 1.left-eye (2)",
    "...jpg": "photograph",
    "..jpg": "photograph",
    ".jpg": "jpg",
    "._a.jpg": "_a",
    "two\nlines GRADE 0.jpg": "two_lines GRADE 0",
    "esc\x1b[2J\x1b]0;title\x07.jpg": "esc_[2J_]0;title_",
    "pat\udcffient.jpg": "pat_ient",
    "b>.jpg": "b_",
    "a\\b:c.jpg": "a_b_c",
    "right\u202egpj.exe": "right_gpj",
    "at 3.04\u202fPM.png": "at 3.04 PM",
    "e\u0301.jpg": "\u00e9",
    "CON.jpg": "_CON",
    "nul.tar.png": "_nul.tar",
    "a~12345678.jpg": "a_12345678",
    "\U0001f441.jpg": "\U0001f441",
}


@pytest.mark.parametrize(("file", "name"), HOSTILE.items(), ids=ascii)
def test_safe_names(file: str, name: str) -> None:
    assert safe_name(Path("folder") / file) == name


def test_a_long_name_is_cut_at_whole_characters() -> None:
    assert safe_name("\u00e9" * 120 + ".jpg") == "\u00e9" * (LONGEST // 2) and safe_name("a" * 250 + ".jpg") == "a" * LONGEST


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=()), min_size=1, max_size=60))
def test_whatever_the_name_it_is_one_visible_folder_of_printable_text(text: str) -> None:
    name = safe_name(text.replace("/", "|").replace("\0", "|"))
    assert name and name.isprintable() and name.encode() and not set(name) & set('<>:"/\\|?*~')
    assert name[0] not in ". " and name[-1] not in ". " and len(name.encode()) <= LONGEST + 1
    assert safe_name(f"{name}.jpg") == name


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=()), max_size=60))
def test_what_is_shown_is_one_printable_line_and_shown_alike_again(text: str) -> None:
    assert shown(text).isprintable() and shown(shown(text)) == shown(text)


def test_shown_keeps_what_prints_and_spells_the_rest() -> None:
    assert shown("caf\u00e9 a.jpg") == "caf\u00e9 a.jpg"
    assert shown("a\n\x1b[2J\x07\udcff\u202e") == r"a\n\x1b[2J\x07\xff\u202e"
