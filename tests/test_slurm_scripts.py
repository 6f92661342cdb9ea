"""The job scripts: they parse, ask for what they need, hand words and exit status on, and go back into the queue."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SCRIPTS = sorted((ROOT / "slurm").glob("*.sbatch"))
BASH = shutil.which("bash")
pytestmark = pytest.mark.skipif(BASH is None, reason="there is no bash here")


@pytest.fixture(params=SCRIPTS, ids=lambda path: path.stem)
def script(request) -> Path:
    return request.param


def options(script: Path) -> dict[str, str]:
    return {name: value for name, _, value in re.findall(r"^#SBATCH --([\w-]+)(=(.*))?$", script.read_text(), re.MULTILINE)}


def test_both_vlm_phases_are_there():
    assert {"vlm-idrid", "vlm-aptos"} <= {path.stem for path in SCRIPTS}


def test_it_parses_and_is_requeued_on_preemption(script):
    subprocess.run([str(BASH), "-n", str(script)], check=True)
    asked = options(script)
    assert {"requeue", "open-mode", "signal", "gpus-per-node", "time"} <= set(asked)
    assert re.search(r"^#SBATCH --signal=B:USR1@\d+$", script.read_text(), re.MULTILINE)


def test_its_config_and_command_exist(script):
    config = re.search(r"retinai train (\w+) --config (\S+)", script.read_text())
    assert config is not None and config[1] in ("segmentation", "vlm") and (ROOT / config[2]).is_file()


@pytest.fixture
def place(tmp_path) -> Path:
    """A folder in which `retinai` naps and exits with CODE, and `scontrol` writes down what it is told."""
    commands = {
        ".venv/bin/retinai": 'echo $$ > process; echo "$@" >> calls; for i in $(seq "$NAPS"); do sleep 0.05; done; exit "$CODE"',
        "bin/scontrol": 'echo "$@" >> told',
    }
    for name, text in commands.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True)
        path.write_text(f"#!/bin/bash\n{text}\n")
        path.chmod(0o755)
    return tmp_path


def start(script: Path, place: Path, naps: int, code: int) -> subprocess.Popen[bytes]:
    environment = os.environ | {"PATH": f"{place / 'bin'}:{os.environ['PATH']}", "SLURM_JOB_ID": "42", "NAPS": str(naps), "CODE": str(code)}
    command = [str(BASH), str(script), "data=x y", "rate=1"]
    return subprocess.Popen(command, cwd=place, env=environment, stdout=subprocess.DEVNULL, start_new_session=True)


@pytest.mark.parametrize("code", [0, 3])
def test_words_go_in_and_the_exit_status_comes_out(script, place, code):
    assert start(script, place, naps=0, code=code).wait(60) == code
    assert (place / "calls").read_text().strip().endswith("data=x y rate=1")
    assert not (place / "told").exists()


def test_out_of_time_it_goes_back_into_the_queue(script, place):
    job = start(script, place, naps=600, code=0)
    try:
        for _ in range(1500):
            if (place / "calls").exists():
                break
            time.sleep(0.02)
        job.send_signal(signal.SIGUSR1)
        assert job.wait(60) == 0
        with pytest.raises(ProcessLookupError):  # or it would train on beside its successor
            os.kill(int((place / "process").read_text()), 0)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(job.pid, signal.SIGKILL)
    assert (place / "told").read_text() == "requeue 42\n"
