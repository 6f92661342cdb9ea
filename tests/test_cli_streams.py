"""stdout and stderr as a shell hands them over, in processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from retinai.cli.streams import say

ROOT = Path(__file__).parents[1]
SHELL = [sys.executable, "-c", "from retinai.cli import main; main()"]


def shell(words: list[str], stdout: int) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*SHELL, *words], stdout=stdout, stderr=subprocess.PIPE, text=True, cwd=ROOT, check=False)


@pytest.mark.parametrize("words", [["schema"], ["explain", "--help"], ["--version"]])
def test_a_closed_pipe_is_no_failure(words: list[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    result = shell(words, writer)
    os.close(writer)
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has a disk that is always full")
@pytest.mark.parametrize("words", [["schema"], ["explain", "--help"]])
def test_a_full_disk_is_one_line(words: list[str]) -> None:
    with open("/dev/full", "w") as full:
        result = shell(words, full.fileno())
    assert (result.returncode, result.stderr) == (1, "retinai: cannot write the output: No space left on device\n")


def test_a_message_is_one_line_whatever_is_in_it(capsys: pytest.CaptureFixture[str]) -> None:
    say("no image at a\n\x1b[2J\udcff.jpg")
    assert capsys.readouterr().err == "retinai: no image at a\\n\\x1b[2J\\xff.jpg\n"
