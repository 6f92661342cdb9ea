"""`retinai info` and `retinai doctor`."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
import typer

from retinai import __version__, about, doctor
from retinai.cli import info
from retinai.doctor import Finding
from segmentation.predict import PRECISION, RUNTIME

INFO = "import sys; from retinai.cli import main; sys.argv = ['retinai', 'info', '--json']\ntry:\n    main()\nexcept SystemExit: pass\n"


def shell(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from retinai.cli import main; main()", *words]
    return subprocess.run(command, capture_output=True, text=True)


def weights_room(folder: Path, sha256: str | None = None) -> Path:
    """A room with one file of weights and its card, whose checksum is right unless another is given."""
    (folder / "weights").mkdir()
    (folder / "weights" / "lesions.safetensors").write_bytes(b"retina")
    card = {"sha256": sha256 or hashlib.sha256(b"retina").hexdigest(), "sides": [1536]}
    (folder / "weights" / "card.json").write_text(json.dumps(card))
    return folder


def test_info_json_has_versions_weights_and_devices() -> None:
    values = json.loads(shell("info", "--json").stdout)
    assert values["retinai"] == __version__
    assert values["python"] == sys.version.split()[0]
    assert values["packages"]["torch"] == about.installed("torch")
    assert values["devices"]["cpu"]["cores"] == about.usable_cores()
    assert all(len(file["sha256"]) == 64 and file["intact"] for file in values["weights"])


def test_info_for_people_names_every_dependency() -> None:
    text = shell("info").stdout
    assert text.startswith(f"retinai {__version__}, Python ") and "\nruntime  torch in bf16; " in text
    assert all(f"\npackage  {name} " in text for name in about.dependencies())


def test_info_and_doctor_tell_what_computes_the_lesion_map(monkeypatch: pytest.MonkeyPatch) -> None:
    found = about.runtime()
    assert (found["name"], found["precision"]) == (RUNTIME, PRECISION)
    assert info.runtime_line(found).startswith("runtime  torch in bf16; this processor ")
    monkeypatch.setattr(about, "cpu", lambda: {"flags": ["avx2"]})
    assert not about.runtime()["in_hardware"] and "has no instructions" in doctor.speed()[0].text
    monkeypatch.setattr(about, "cpu", lambda: {"flags": ["avx2", "avx512_bf16"]})
    assert about.runtime()["in_hardware"] and doctor.speed() == [
        Finding("runtime", "ok", "lesion maps are computed by torch in bf16, for which this processor has instructions")
    ]


def test_info_loads_no_model_library() -> None:
    code = INFO + "print(*{'torch', 'numpy', 'cv2', 'transformers'} & set(sys.modules), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == ""


@pytest.mark.slow
def test_info_takes_under_300_ms() -> None:
    def seconds() -> float:
        started = time.perf_counter()
        subprocess.run([sys.executable, "-c", INFO], capture_output=True, check=True)
        return time.perf_counter() - started

    assert min(seconds() for _ in range(5)) < 0.3


def test_version() -> None:
    assert shell("--version").stdout == f"retinai {__version__}\n"


def test_bundled_weights_are_hashed_and_compared_with_their_card(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    weights_room(tmp_path)
    monkeypatch.setattr(about, "room_folder", lambda room: tmp_path if room == "segmentation" else None)
    (file,) = about.bundled_weights()
    assert (file.room, file.path.name, file.bytes, file.intact) == ("segmentation", "lesions.safetensors", 6, True)
    assert file.card["sides"] == [1536]


def test_weights_without_a_card_are_not_intact(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (weights_room(tmp_path) / "weights" / "card.json").write_text("not JSON")
    monkeypatch.setattr(about, "room_folder", lambda room: tmp_path)
    assert not any(file.intact for file in about.bundled_weights())


def test_gpus_come_from_the_driver_or_its_devices(tmp_path: Path) -> None:
    proc, dev = tmp_path / "gpus", tmp_path / "dev"
    assert about.gpus(proc, dev) == []
    dev.mkdir()
    for name in ("nvidia0", "nvidia1", "nvidiactl"):
        (dev / name).touch()
    assert about.gpus(proc, dev) == ["NVIDIA GPU", "NVIDIA GPU"]
    (proc / "0000:01:00.0").mkdir(parents=True)
    (proc / "0000:01:00.0" / "information").write_text("Model: \t\t NVIDIA H200\nIRQ: 7\n")
    assert about.gpus(proc, dev) == ["NVIDIA H200"]


@pytest.mark.parametrize(
    ("line", "name"),
    [("torch>=2.11", "torch"), ("pyright[nodejs]>=1", "pyright"), ("segmentation-models-pytorch", "segmentation-models-pytorch")],
)
def test_requirement_name(line: str, name: str) -> None:
    assert about.requirement_name(line) == name


def test_finding_has_a_remedy_exactly_when_something_is_wrong() -> None:
    with pytest.raises(ValueError, match="remedy"):
        Finding("disk", "problem", "full")
    with pytest.raises(ValueError, match="remedy"):
        Finding("disk", "ok", "empty", "fill it")


def test_rooms_lie_side_by_side() -> None:
    assert [finding.state for finding in doctor.rooms()] == ["ok"]


def test_shadowed_room_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "fusion").mkdir()
    (tmp_path / "fusion" / "__init__.py").touch()
    done = shell_with_path(tmp_path)
    assert f"problem  packages: fusion is shadowed by {tmp_path / 'fusion'}" in done


def shell_with_path(folder: Path) -> str:
    """What the rooms check says where `folder` comes first on the path."""
    code = f"import sys; sys.path.insert(0, {str(folder)!r}); from retinai.doctor import rooms\n"
    code += "for f in rooms(): print(f'{f.state:8} {f.check}: {f.text}')"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def test_room_of_another_distribution_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "packages_distributions", lambda: {"fusion": ["retinai", "hotfusion"], "vlm": ["retinai"]})
    (finding,) = doctor.rooms()
    assert finding.text == "hotfusion also installs a package fusion"
    assert finding.remedy.startswith("pip uninstall hotfusion")


def test_different_opencv_versions_are_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    versions = {"opencv-python": "5.0.0.93", "opencv-python-headless": "4.13.0.90"}
    monkeypatch.setattr(doctor, "installed", versions.get)
    (finding,) = doctor.opencv()
    assert finding.state == "problem"
    assert "opencv-python 5.0.0.93, opencv-python-headless 4.13.0.90" in finding.text


def test_missing_system_library_names_the_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    error = "ImportError: libGL.so.1: cannot open shared object file: No such file or directory"
    monkeypatch.setattr(doctor, "failure", lambda code: error)
    (finding,) = doctor.opencv()
    assert (finding.state, finding.remedy) == ("problem", "apt-get install libgl1 libglib2.0-0")


@pytest.mark.parametrize(("loads", "fits", "state"), [(True, True, "ok"), (True, False, "warning"), (False, False, "problem")])
def test_torch_and_torchvision(monkeypatch: pytest.MonkeyPatch, loads: bool, fits: bool, state: str) -> None:
    def failure(code: str) -> str | None:
        return None if (fits if "nms" in code else loads) else "RuntimeError: operator torchvision::nms does not exist"

    monkeypatch.setattr(doctor, "failure", failure)
    assert [finding.state for finding in doctor.torch()] == [state]


def test_bitsandbytes_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "failure", lambda code: "ImportError: no bitsandbytes")
    (finding,) = doctor.bitsandbytes()
    assert (finding.state, finding.text) == ("warning", "no 4-bit models: ImportError: no bitsandbytes")


def test_changed_weights_are_a_problem(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    weights_room(tmp_path, sha256="0" * 64)
    monkeypatch.setattr(about, "room_folder", lambda room: tmp_path if room == "segmentation" else None)
    (finding,) = doctor.weights()
    assert finding.text == "segmentation/lesions.safetensors does not match the checksum of its card"


def test_missing_weights_are_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "bundled_weights", list)
    assert [finding.text for finding in doctor.weights()] == ["there are no lesion weights"]


def test_old_and_missing_dependencies_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "dependencies", lambda: ["torch", "nowhere", "pillow"])
    monkeypatch.setattr(doctor, "requires", lambda name: ["torch>=99", "nowhere>=1", "pillow>=1", "pytest>=999; extra == 'dev'"])
    (finding,) = doctor.requirements()
    assert finding.text == f"torch {about.installed('torch')} (needs >=99); nowhere missing (needs >=1)"


def test_unwritable_temporary_folder_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(doctor.tempfile, "TemporaryFile", refuse)
    assert [finding.state for finding in doctor.space()] == ["problem"]


def test_failure_is_the_last_line_of_the_error() -> None:
    assert doctor.failure("pass") is None
    assert doctor.failure("import no_such_module") == "ModuleNotFoundError: No module named 'no_such_module'"
    assert doctor.failure("import os; os.abort()") == "ended with status -6"
    assert doctor.failure("import time; time.sleep(9)", seconds=0.2) == "no answer within 0 s"


def test_doctor_prints_one_line_a_finding_and_fails_on_a_problem(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        doctor, "CHECKS", (lambda: [Finding("disk", "ok", "empty")], lambda: [Finding("cv2", "problem", "gone", "install it")])
    )
    with pytest.raises(typer.Exit) as status:
        info.doctor()
    assert status.value.exit_code == 1
    assert capsys.readouterr().out == "ok       disk: empty\nproblem  cv2: gone. install it\n"


def test_doctor_json(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(doctor, "CHECKS", (lambda: [Finding("disk", "ok", "empty")],))
    info.doctor(json=True)
    assert json.loads(capsys.readouterr().out) == [{"check": "disk", "state": "ok", "text": "empty", "remedy": ""}]
