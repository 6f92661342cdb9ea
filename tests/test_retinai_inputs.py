from __future__ import annotations

import hashlib
import os
import threading
from pathlib import Path

import pytest

from retinai.errors import ImageError, UsageError
from retinai.files import read_bytes
from retinai.inputs import find_inputs


@pytest.fixture()
def clinic(tmp_path: Path) -> Path:
    for name in ("b.jpg", "a.PNG", "notes.txt", "c.tiff"):
        (tmp_path / name).touch()
    (tmp_path / "older").mkdir()
    (tmp_path / "older" / "b.jpg").touch()
    return tmp_path


def test_a_folder_gives_its_pictures_at_any_depth_and_nothing_else(clinic: Path) -> None:
    assert [i.path.name for i in find_inputs([str(clinic)])] == ["a.PNG", "b.jpg", "c.tiff", "b.jpg"]


def test_a_named_file_is_taken_whatever_its_suffix(clinic: Path) -> None:
    assert [i.name for i in find_inputs([str(clinic / "notes.txt")])] == ["notes"]


def test_a_pattern_is_expanded_and_each_file_comes_once(clinic: Path) -> None:
    found = find_inputs([str(clinic / "*.jpg"), str(clinic / "b.jpg")])
    assert [i.path for i in found] == [clinic / "b.jpg"]


def names(*paths: Path | str) -> dict[str, str]:
    return {str(item.path): item.name for item in find_inputs(map(str, paths))}


def filled(path: Path, content: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path


def sha8(content: str) -> str:
    return hashlib.sha256(content.encode()).hexdigest()[:8]


def test_one_name_of_several_files_is_told_apart_by_content_whatever_the_order(tmp_path: Path) -> None:
    one, other, third = (filled(tmp_path / name, name) for name in ("a.jpg", "a.png", "a-2.jpg"))
    found = names(one, other, third)
    assert found == {str(one): f"a~{sha8('a.jpg')}", str(other): f"a~{sha8('a.png')}", str(third): "a-2"}
    assert names(third, other, one) == found == names(tmp_path)


def test_no_file_can_be_called_what_is_made_up(tmp_path: Path) -> None:
    one, other = filled(tmp_path / "a.jpg", "1"), filled(tmp_path / "a.png", "2")
    posing = filled(tmp_path / f"a~{sha8('1')}.jpg", "3")
    assert len(set(names(one, other, posing).values())) == 3 and names(one, other, posing)[str(posing)] == f"a_{sha8('1')}"


def test_names_that_differ_in_case_alone_are_told_apart(tmp_path: Path) -> None:
    found = names(filled(tmp_path / "Eye.jpg", "1"), filled(tmp_path / "x/eye.jpg", "2"))
    assert len({name.casefold() for name in found.values()}) == 2


def test_copies_of_one_photograph_are_numbered_in_order_of_path(tmp_path: Path) -> None:
    first, second = filled(tmp_path / "1/a.jpg", "same"), filled(tmp_path / "2/a.jpg", "same")
    assert names(second, first) == {str(first): f"a~{sha8('same')}~1", str(second): f"a~{sha8('same')}~2"}


def test_hidden_files_and_results_are_no_photographs_unless_they_are_named(tmp_path: Path) -> None:
    for name in (
        "a.jpg",
        "._a.jpg",
        ".hidden/b.jpg",
        "out/a/explanation.json",
        "out/a/overlay.png",
        "half/lesions.csv",
        "half/masks/MA.png",
    ):
        filled(tmp_path / name, name)
    assert list(names(tmp_path)) == list(names(tmp_path / "*")) == list(names(tmp_path / "**/*.*g")) == [str(tmp_path / "a.jpg")]
    assert names(tmp_path / "._a.jpg") == {str(tmp_path / "._a.jpg"): "_a"}


def test_two_stars_reach_every_depth(tmp_path: Path) -> None:
    paths = [filled(tmp_path / name, name) for name in ("2024/p1/b.jpg", "p0/a.jpg", "top.jpg")]
    assert set(names(tmp_path / "**" / "*.jpg")) == set(names(tmp_path)) == set(map(str, paths))
    assert list(names(tmp_path / "2024/**")) == [str(paths[0])]


@pytest.mark.parametrize("word", ["clinic [2024]/*.jpg", "clinic [2024]/a.jpg", "clinic [2024]", "cl* [[]2024]/?.jpg", "*/a.jpg"])
def test_brackets_in_what_exists_are_no_pattern(tmp_path: Path, word: str) -> None:
    path = filled(tmp_path / "clinic [2024]" / "a.jpg", "x")
    assert list(names(tmp_path / word)) == [str(path)]


def test_a_link_that_leads_back_is_not_followed_for_ever(tmp_path: Path) -> None:
    path = filled(tmp_path / "in" / "a.jpg", "x")
    (tmp_path / "in" / "back").symlink_to(tmp_path)
    assert list(names(tmp_path)) == [str(path)]


def test_a_pipe_is_read_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "eye.jpg")
    threading.Thread(target=(tmp_path / "eye.jpg").write_bytes, args=(b"photograph",)).start()
    (item,) = find_inputs([str(tmp_path / "eye.jpg")])
    assert (item.name, item.read()) == ("eye", b"photograph")
    assert [(i.name, i.usual) for i in find_inputs(["/dev/stdin"])] == [("stdin", True)]


def test_a_terminal_is_no_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    with pytest.raises(UsageError, match=r"^- reads a photograph from a pipe, and nothing is piped in$"):
        find_inputs(["-"])


def test_no_more_is_read_than_a_photograph_can_have(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"^/dev/zero is larger than 1 MB$"):
        read_bytes(Path("/dev/zero"), 1 << 20)


@pytest.mark.parametrize(("word", "line"), [("none.jpg", "no image at none.jpg"), ("*.jpg?", r"no image at \*.jpg\?")])
def test_what_is_not_there_is_named(word: str, line: str) -> None:
    with pytest.raises(UsageError, match=f"^{line}$"):
        find_inputs([word])


def test_a_folder_without_pictures_says_what_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no photographs in the folder .*\.jpeg, \.jpg"):
        find_inputs([str(tmp_path)])
