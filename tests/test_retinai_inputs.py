from __future__ import annotations

from pathlib import Path

import pytest

from retinai.errors import UsageError
from retinai.inputs import find_inputs


@pytest.fixture()
def clinic(tmp_path: Path) -> Path:
    for name in ("b.jpg", "a.PNG", "notes.txt", "c.tiff"):
        (tmp_path / name).touch()
    (tmp_path / "older").mkdir()
    (tmp_path / "older" / "b.jpg").touch()
    return tmp_path


def test_a_folder_gives_its_pictures_in_order_and_nothing_else(clinic: Path) -> None:
    assert [i.path.name for i in find_inputs([str(clinic)])] == ["a.PNG", "b.jpg", "c.tiff"]


def test_a_named_file_is_taken_whatever_its_suffix(clinic: Path) -> None:
    assert [i.name for i in find_inputs([str(clinic / "notes.txt")])] == ["notes"]


def test_a_pattern_is_expanded_and_each_file_comes_once(clinic: Path) -> None:
    found = find_inputs([str(clinic / "*.jpg"), str(clinic / "b.jpg")])
    assert [i.path for i in found] == [clinic / "b.jpg"]


def test_equal_stems_get_folders_of_their_own(clinic: Path) -> None:
    found = find_inputs([str(clinic / "b.jpg"), str(clinic / "older" / "b.jpg")])
    assert [i.name for i in found] == ["b", "b-2"]


@pytest.mark.parametrize(("word", "line"), [("none.jpg", "no image at none.jpg"), ("*.jpg?", r"no image at \*.jpg\?")])
def test_what_is_not_there_is_named(word: str, line: str) -> None:
    with pytest.raises(UsageError, match=f"^{line}$"):
        find_inputs([word])


def test_a_folder_without_pictures_says_what_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no photographs in the folder .*\.jpg, \.jpeg"):
        find_inputs([str(tmp_path)])
