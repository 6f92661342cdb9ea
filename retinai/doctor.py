"""What is wrong with this installation, and what to do about it.

Whatever may crash or take the process down (a missing system library, a compiled extension of another build) is
tried in a Python of its own, so that one broken package does not hide the others.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import packages_distributions, requires
from pathlib import Path
from typing import Literal

from packaging.requirements import Requirement

from retinai.about import ROOMS, bundled_weights, dependencies, installed, room_folder, runtime

State = Literal["ok", "warning", "problem"]
_TRIAL_SECONDS = 120
_ENOUGH_DISK = 2 * 2**30  # bytes: what a training cache and its results take
_OPENCV = ("opencv-python", "opencv-python-headless", "opencv-contrib-python", "opencv-contrib-python-headless")
_REINSTALL = "reinstall in a virtual environment of its own: pip install --force-reinstall --no-deps -e ."


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report. remedy: what to do, empty when all is well."""

    check: str
    state: State
    text: str
    remedy: str = ""

    def __post_init__(self) -> None:
        if (self.state == "ok") == bool(self.remedy):
            raise ValueError("a finding has a remedy exactly when something is wrong")


def _ok(check: str, text: str) -> Finding:
    return Finding(check, "ok", text)


def _warning(check: str, text: str, remedy: str) -> Finding:
    return Finding(check, "warning", text, remedy)


def _problem(check: str, text: str, remedy: str) -> Finding:
    return Finding(check, "problem", text, remedy)


def examine() -> list[Finding]:
    """All checks in the order in which their problems are best mended."""
    return [finding for check in CHECKS for finding in check()]


def rooms() -> list[Finding]:
    """The packages have plain names: another distribution's `fusion` may lie in front of ours, or over it."""
    home = room_folder("retinai")
    owners = packages_distributions()
    tree = home.parent if home else None
    findings = [_misplaced(room, tree) or _claimed(room, owners.get(room, [])) for room in ROOMS]
    return [f for f in findings if f is not None] or [_ok("packages", f"{', '.join(ROOMS)} lie side by side")]


def _misplaced(room: str, tree: Path | None) -> Finding | None:
    folder = room_folder(room)
    if folder is None:
        return _problem("packages", f"the package {room} is missing", _REINSTALL)
    if folder.parent != tree:
        return _problem("packages", f"{room} is shadowed by {folder}", f"rename or uninstall that one, or {_REINSTALL}")
    return None


def _claimed(room: str, owners: list[str]) -> Finding | None:
    strangers = sorted(set(owners) - {"retinai"})
    if not strangers:
        return None
    remedy = f"pip uninstall {' '.join(strangers)}, then {_REINSTALL}"
    return _problem("packages", f"{', '.join(strangers)} also installs a package {room}", remedy)


def requirements() -> list[Finding]:
    """Every dependency is there and new enough."""
    if not dependencies():
        return [_warning("dependencies", "retinai itself is not installed", "pip install -c constraints.txt -e .")]
    wanted = [Requirement(line) for line in requires("retinai") or [] if "extra ==" not in line]
    wrong = [f"{r.name} {installed(r.name) or 'missing'} (needs {r.specifier})" for r in wanted if not _satisfied(r)]
    if wrong:
        return [_problem("dependencies", "; ".join(wrong), "pip install -c constraints.txt -e .")]
    return [_ok("dependencies", f"{len(wanted)} packages are new enough")]


def _satisfied(requirement: Requirement) -> bool:
    found = installed(requirement.name)
    return found is not None and requirement.specifier.contains(found, prereleases=True)


def opencv() -> list[Finding]:
    """The OpenCV distributions unpack into one folder: versions must agree, and what lies there must load."""
    found = {name: version for name in _OPENCV if (version := installed(name))}
    if len(set(found.values())) > 1:
        text = ", ".join(f"{name} {version}" for name, version in found.items())
        remedy = f"pip install --force-reinstall --no-deps -c constraints.txt {' '.join(found)}"
        return [_problem("opencv", f"versions differ in one folder: {text}", remedy)]
    error = failure("import cv2")
    if error is None:
        return [_ok("opencv", f"cv2 {next(iter(found.values()), '')} loads")]
    if ".so" in error:
        return [_problem("opencv", f"a system library is missing: {error}", "apt-get install libgl1 libglib2.0-0")]
    return [_problem("opencv", error, "pip install --force-reinstall --no-deps -c constraints.txt opencv-python-headless")]


def torch() -> list[Finding]:
    """torch loads, and torchvision is its partner; where it is not, RetinAI mends what it needs (see retinai.backend)."""
    versions = f"torch {installed('torch')} and torchvision {installed('torchvision')}"
    error = failure("from retinai.backend import prepare_torch; prepare_torch(); import torchvision")
    if error is not None:
        remedy = "install both in one command: pip install --force-reinstall -c constraints.txt torch torchvision"
        return [_problem("torch", f"{versions} do not load: {error}", remedy)]
    if failure("import torch, torchvision; torchvision.ops.nms(torch.zeros(0, 4), torch.zeros(0), 0.5)") is not None:
        remedy = "RetinAI mends this itself; for other programs install the torchvision wheel of torch's own build (CPU or CUDA)"
        return [_warning("torch", f"{versions} are of different builds", remedy)]
    return [_ok("torch", f"{versions} fit together")]


def bitsandbytes() -> list[Finding]:
    """Only the 4-bit vision-language models need it."""
    error = failure("from retinai.backend import prepare_torch; prepare_torch(); import bitsandbytes")
    if error is None:
        return [_ok("bitsandbytes", f"bitsandbytes {installed('bitsandbytes')} loads")]
    remedy = "pip install --force-reinstall --no-deps -c constraints.txt bitsandbytes"
    return [_warning("bitsandbytes", f"no 4-bit models: {error}", remedy)]


def speed() -> list[Finding]:
    """What computes the lesion map, and whether this processor is made for it."""
    found = runtime()
    has = "has instructions" if found["in_hardware"] else "has no instructions, so that they take longer"
    return [_ok("runtime", f"lesion maps are computed by {found['name']} in {found['precision']}, for which this processor {has}")]


def weights() -> list[Finding]:
    """The bundled weights are there and are the files that their cards describe."""
    files, remedy = bundled_weights(), "fetch the files again from the repository, or reinstall"
    changed = [f"{f.room}/{f.path.name}" for f in files if not f.intact]
    wrong = [_problem("weights", f"{name} does not match the checksum of its card", remedy) for name in changed]
    if not any(f.room == "segmentation" for f in files):
        wrong.append(_problem("weights", "there are no lesion weights", remedy))
    return wrong or [_ok("weights", f"{len(files)} bundled, checksums match")]


def space() -> list[Finding]:
    """Somewhere to write."""
    try:
        with tempfile.TemporaryFile() as file:
            file.write(b"RetinAI")
    except OSError as error:
        return [_problem("disk", f"cannot write temporary files: {error}", "set TMPDIR to a folder that can be written")]
    free = shutil.disk_usage(Path.cwd()).free
    if free < _ENOUGH_DISK:
        return [_warning("disk", f"{free / 2**30:.1f} GiB free here", f"make room: a training cache takes {_ENOUGH_DISK / 2**30:.0f} GiB")]
    return [_ok("disk", f"temporary files can be written, {free / 2**30:.0f} GiB free here")]


def failure(code: str, seconds: float = _TRIAL_SECONDS) -> str | None:
    """Run `code` in a fresh Python with this one's path: None when it ends well, else one line that says why not."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    try:
        done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, timeout=seconds, env=environment)
    except subprocess.TimeoutExpired:
        return f"no answer within {seconds:.0f} s"
    if done.returncode == 0:
        return None
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    return lines[-1].strip() if lines else f"ended with status {done.returncode}"


CHECKS: tuple[Callable[[], list[Finding]], ...] = (rooms, requirements, opencv, torch, bitsandbytes, speed, weights, space)
