"""stdout and stderr as a shell hands them over, in processes of their own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

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
    code = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # a shell's background ignores it, and so would a child
        "from retinai.cli.streams import ending_at_interrupt\nwith ending_at_interrupt():\n    import swallows\n    print('went on')"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, env=environment(), check=False)
    assert (result.returncode, result.stdout, result.stderr) == (130, "", "")


@pytest.fixture()
def handler() -> Iterator[Callable[[Any], None]]:
    """Sets how this process takes Ctrl-C, and puts back what was: in the background of a shell it is ignored."""
    before = signal.getsignal(signal.SIGINT)
    yield lambda wanted: (signal.signal(signal.SIGINT, wanted), None)[1]
    signal.signal(signal.SIGINT, before)


def test_an_interrupt_is_handled_as_before_afterwards(handler: Callable[[Any], None]) -> None:
    handler(signal.default_int_handler)
    with pytest.raises(SystemExit, match="130"), ending_at_interrupt():
        os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_interrupt_that_is_ignored_stays_ignored(handler: Callable[[Any], None]) -> None:
    handler(signal.SIG_IGN)
    with ending_at_interrupt():
        os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
