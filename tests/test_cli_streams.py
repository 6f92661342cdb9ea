"""stdout and stderr as a shell hands them over, in processes of their own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from retinai.cli.streams import ending_at_interrupt, say

ROOT = Path(__file__).parents[1]
SHELL = [sys.executable, "-c", "from retinai.cli import main; main()"]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}


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


SWALLOWS = """
import os, signal
try:
    os.kill(os.getpid(), signal.SIGINT)
except KeyboardInterrupt:
    pass
"""


def test_an_interrupt_ends_with_130_even_where_an_import_swallows_it(tmp_path: Path) -> None:
    (tmp_path / "swallows.py").write_text(SWALLOWS)
    code = "from retinai.cli.streams import ending_at_interrupt\nwith ending_at_interrupt():\n    import swallows\n    print('went on')"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, env=environment(), check=False)
    assert (result.returncode, result.stdout, result.stderr) == (130, "", "")


def test_an_interrupt_is_handled_as_before_afterwards() -> None:
    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(SystemExit, match="130"), ending_at_interrupt():
        os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is handler
