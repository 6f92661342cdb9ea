"""Lines, links and rows: what a reader sees is what the record holds, and nothing in it is taken for Markdown."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path

import pytest
from viewer_case import case, ungradable

from apps.launch import OPTIONS, launch
from apps.lesions import chosen, rows
from apps.links import linked, plain
from apps.settings import VARIABLE, Settings, example
from apps.words import SMALL_PRINT, UNSEEN, WITHHELD, clauses, headline, in_short, parts
from retinai.errors import UsageError
from retinai.types import Explanation


def explanation() -> Explanation:
    told = case().explanation
    assert told is not None
    return told


def test_the_lines_are_those_of_the_text() -> None:
    told = explanation()
    text = " ".join(told.text.split())
    lines = [*in_short(told), *(line for _, some in parts(told) for line in some)]
    assert len(lines) > 12
    assert [line for line in lines if " ".join(line.split()) not in text] == []


def test_every_part_has_its_heading() -> None:
    headings = [heading for heading, _ in parts(explanation())]
    assert (
        headings[0] == "Grade"
        and SMALL_PRINT in headings
        and UNSEEN in headings
        and any(heading.startswith(WITHHELD) for heading in headings)
    )


def test_the_headline() -> None:
    assert headline(explanation()) == "Refer within 1 month. At least moderate NPDR (likely 2-3). One hard exudate [EX-3]: please look."
    told = ungradable().explanation
    assert told is not None and headline(told) == "Ungradable"
    with pytest.raises(ValueError, match="is ungradable"):
        parts(told)


def test_the_clauses_are_those_applied_and_those_that_stay_open() -> None:
    used = [clause.id for clause in clauses(explanation())]
    assert used[0] == "ICDR-2" and {"ICDR-4", "DME-2"} <= set(used) and "ICDR-1" not in used


def test_citations_of_lesions_that_exist_are_links_and_others_are_not() -> None:
    text = linked("Seen [HE-1, HE-9] and **bold** _x_.", ["HE-1"])
    assert text == r"Seen \[[HE-1](#lesion-HE-1), HE\-9\] and \*\*bold\*\* \_x\_\."


def test_nothing_in_plain_text_is_markdown() -> None:
    assert plain("[a](http://x) <b> $1$ :smile: # `c`") == r"\[a\]\(http\://x\) \<b\> \$1\$ \:smile\: \# \`c\`"


def test_rows_of_the_table() -> None:
    told = explanation()
    table = rows(told.lesions, 100.0, {"HE-1": "accepted"})
    first = next(row for row in table if row["id"] == "HE-1")
    assert (first["class"], first["yours"], first["quadrant"]) == ("haemorrhage", "accepted", "inferonasal")
    bare = next(row for row in rows(told.lesions, None, {}) if row["id"] == "HE-1")
    assert first["size (DD)"] == pytest.approx(2 * (bare["area (px)"] / 3.14159265) ** 0.5 / 100)
    assert "size (DD)" not in bare and "area (px)" not in first


def test_filters_of_the_table() -> None:
    lesions = explanation().lesions
    assert [lesion.id for lesion in chosen(lesions, ["HE"], [], 0)] == ["HE-1", "HE-2"]
    assert [lesion.id for lesion in chosen(lesions, [], [], 0.94)] == ["HE-1", "EX-1"]
    below = chosen(lesions, ["HE", "EX"], ["inferonasal"], 0)
    assert below and {lesion.place.quadrant for lesion in below} == {"inferonasal"}


def test_settings_come_back_as_they_went(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "")
    Settings(vlm="none", device="cpu", weights="w").export()
    assert Settings.read() == Settings(vlm="none", device="cpu", weights="w") and json.loads(os.environ[VARIABLE])["adapter"] is None


def test_the_example_is_in_the_repository() -> None:
    path = example()
    assert path is not None and path.name == "IDRiD_18.jpg"


def test_no_telemetry_and_no_stack_traces() -> None:
    assert OPTIONS["browser.gatherUsageStats"] is False and OPTIONS["client.showErrorDetails"] == "none"


def test_an_address_that_is_taken_is_one_line(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=f"cannot listen at 127.0.0.1:{port}: Address already in use"):
            launch(Settings(feedback=str(tmp_path / "f")), "127.0.0.1", port)


def test_feedback_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"the feedback cannot be written to .*none; name another file"):
        launch(Settings(feedback=str(tmp_path / "none" / "f.sqlite")), "127.0.0.1", 8501)
    with pytest.raises(UsageError, match="no folder of weights"):
        launch(Settings(feedback=str(tmp_path / "f"), weights=str(tmp_path / "none")), "127.0.0.1", 8501)
