"""A folder of results: whole or not there, of one reading, and whose it is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from retinai.errors import OutputError
from retinai.inputs import made_up
from retinai.report.earlier import name_in
from retinai.report.folder import DOCUMENT, FILES, write_folder

PICTURE = np.zeros((4, 4, 3), np.uint8)
MASK = np.ones((4, 4), bool)
SHA = "a" * 64


def write(folder: Path, sha256: str = SHA, pictures: tuple[str, ...] = ("overlay",), masks: tuple[str, ...] = ("MA", "OD")) -> None:
    document = {"provenance": {"image_sha256": sha256}}
    write_folder(folder, document, dict.fromkeys(pictures, PICTURE), dict.fromkeys(masks, MASK), ())


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_all_that_is_written_is_known_and_nothing_of_an_earlier_reading_stays(tmp_path: Path) -> None:
    write(tmp_path / "a", pictures=("overlay", "saliency", "second-saliency"), masks=("MA", "HE", "EX", "SE", "OD"))
    assert files(tmp_path / "a") <= {DOCUMENT, *FILES}
    write(tmp_path / "a", masks=())
    assert files(tmp_path / "a") == {DOCUMENT, "overlay.png", "lesions.csv"}


def test_what_a_user_put_there_stays(tmp_path: Path) -> None:
    write(tmp_path / "a")
    (tmp_path / "a/masks/mine.png").touch()
    (tmp_path / "a/notes.txt").touch()
    write(tmp_path / "a", masks=())
    assert {"notes.txt", "masks/mine.png"} < files(tmp_path / "a")


def test_everyone_may_read_what_the_umask_allows(tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    write(tmp_path / "a")
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "a/masks").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_full_disk_costs_nothing_of_an_earlier_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "a", "1" * 64)
    before = {name: (tmp_path / "a" / name).read_bytes() for name in files(tmp_path / "a")}

    def full(self: Path, data: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OutputError, match=r"^cannot write .*/a: No space left on device$"):
        write(tmp_path / "a", "2" * 64)
    assert {name: (tmp_path / "a" / name).read_bytes() for name in files(tmp_path / "a")} == before
    assert list(tmp_path.iterdir()) == [tmp_path / "a"]


@pytest.mark.parametrize("survived", range(len(FILES)))
def test_killed_at_any_moment_the_folder_is_whole_or_has_no_document(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, survived: int
) -> None:
    write(tmp_path / "a", "1" * 64)
    replace, done = Path.replace, []

    def killed(self: Path, target: Any) -> Any:
        if len(done) == survived:
            raise KeyboardInterrupt
        done.append(target)
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", killed)
    if survived < 5:  # two masks, the table, the overlay, the document
        with pytest.raises(KeyboardInterrupt):
            write(tmp_path / "a", "2" * 64)
        assert not (tmp_path / "a" / DOCUMENT).exists() and name_in(tmp_path, "a", SHA) == "a"
    else:
        write(tmp_path / "a", "2" * 64)
        assert json.loads((tmp_path / "a" / DOCUMENT).read_text())["provenance"]["image_sha256"] == "2" * 64


def test_what_a_killed_run_left_is_cleared_away_and_nothing_else(tmp_path: Path) -> None:
    for name in (".a.12345678.partial", ".a.b.12345678.partial", ".ab.12345678.partial"):
        (tmp_path / name / "masks").mkdir(parents=True)
    write(tmp_path / "a")
    assert {path.name for path in tmp_path.iterdir()} == {"a", ".a.b.12345678.partial", ".ab.12345678.partial"}


def test_a_place_of_its_own_for_each_photograph(tmp_path: Path) -> None:
    write(tmp_path / "a", "1" * 64)
    assert name_in(tmp_path, "a", "1" * 64) == "a" and name_in(tmp_path, "b", SHA) == "b"
    assert name_in(tmp_path, "a", "2" * 64) == made_up("a", "2" * 64) == "a~22222222"


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"provenance": []}', '{"provenance": {"image_sha256": null}}', "[" * 100_000])
def test_a_document_of_an_unknown_photograph_is_not_written_over(tmp_path: Path, content: str) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / DOCUMENT).write_text(content)
    assert name_in(tmp_path, "a", SHA) == made_up("a", SHA)


def test_what_is_no_result_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "photographs").mkdir()
    (tmp_path / "photographs/a.jpg").touch()
    (tmp_path / "file").touch()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    for name in ("photographs", "file", "link"):
        assert name_in(tmp_path, name, SHA) == made_up(name, SHA)


def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "a").mkdir()
    (tmp_path / "a/masks").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OutputError, match="its masks are a link to elsewhere"):
        write(tmp_path / "a")
    assert list((tmp_path / "elsewhere").iterdir()) == []
