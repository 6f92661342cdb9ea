"""The project as a whole: what is packaged, what is licensed, what may not be in it, what an import costs."""

from __future__ import annotations

import ast
import hashlib
import re
import socket
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

import retinai
from retinai.about import ROOMS

ROOT = Path(__file__).parent.parent
FOLDERS = (*ROOMS, "tests", "configs", "docs", "examples", "slurm", "benchmarks", ".ci")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PINS = dict(line.split("==") for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").split() if "==" in line)
RUNS_CODE = r"import pickle|pickle\.loads?\(|torch\.(load|save)\(|import joblib|allow_pickle\s*=\s*True|weights_only\s*=\s*False"
ONE_MACHINE = "|".join(rf"(?<![\w.])/{folder}/" for folder in ("work", "farm", "home", "root", "tmp", "Users", "mnt"))


def files() -> Iterator[Path]:
    """Everything that belongs to the project, without what a run leaves behind."""
    yield from (path for path in ROOT.iterdir() if path.is_file())
    for folder in FOLDERS:
        yield from (path for path in (ROOT / folder).rglob("*") if path.is_file() and "__pycache__" not in path.parts)


def texts() -> Iterator[tuple[str, str]]:
    for path in files():
        if path.suffix not in (".jpg", ".png", ".safetensors", ".model", ".camera"):
            yield str(path.relative_to(ROOT)), path.read_text(encoding="utf-8")


def modules_after(code: str) -> set[str]:
    """The top-level modules that a fresh Python has loaded after `code`."""
    words = [sys.executable, "-c", f"{code}; import sys; print(*{{name.partition('.')[0] for name in sys.modules}})"]
    return set(subprocess.run(words, capture_output=True, text=True, check=True, cwd=ROOT).stdout.split())


def test_packages_listed_are_the_packages_on_disk() -> None:
    on_disk = {".".join(path.parent.relative_to(ROOT).parts) for room in ROOMS for path in (ROOT / room).rglob("__init__.py")}
    assert PROJECT["tool"]["setuptools"]["packages"] == sorted(on_disk)


def test_every_module_has_its_layer() -> None:
    layers = " ".join(PROJECT["tool"]["importlinter"]["contracts"][0]["layers"])
    modules = {path.stem for path in (ROOT / "retinai").iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()} - {
        "__init__"
    }
    assert modules - set(re.findall(r"retinai\.(\w+)", layers)) == set()


def test_every_python_file_lies_in_a_package() -> None:
    assert [p for room in ROOMS for p in (ROOT / room).rglob("*.py") if not (p.parent / "__init__.py").is_file()] == []


def test_weights_folders_hold_only_what_is_packaged() -> None:
    kinds = {path.suffix for room in ROOMS for path in (ROOT / room).glob("weights/**/*") if path.is_file()}
    patterns = PROJECT["tool"]["setuptools"]["package-data"]["*"]
    assert kinds <= {Path(pattern).suffix for pattern in patterns}


def test_it_cannot_be_uploaded_by_mistake() -> None:
    assert "Private :: Do Not Upload" in PROJECT["project"]["classifiers"]


def test_licence_and_attribution() -> None:
    assert "Apache License" in (ROOT / "LICENSE").read_text(encoding="utf-8")
    notice = (ROOT / "NOTICE").read_text(encoding="utf-8")
    assert all(word in notice for word in ("Porwal", "Pachade", "Kokare", "Attribution 4.0", "MobileNetV2"))


def test_example_is_the_original_photograph() -> None:
    photograph = ROOT / "examples" / "IDRiD_18.jpg"
    assert hashlib.sha256(photograph.read_bytes()).hexdigest() in (ROOT / "examples" / "README.md").read_text(encoding="utf-8")


def test_every_dependency_is_pinned_within_its_bound() -> None:
    wanted = [Requirement(line) for line in PROJECT["project"]["dependencies"] + PROJECT["project"]["optional-dependencies"]["dev"]]
    pins = {name.lower().replace("_", "-"): Version(version) for name, version in PINS.items()}
    assert [str(r) for r in wanted if r.name not in pins or pins[r.name] not in r.specifier] == []


def test_opencv_is_pinned_once() -> None:
    assert PINS["opencv-python"] == PINS["opencv-python-headless"]


def test_nothing_loads_files_that_run_code() -> None:
    found = {name: re.findall(RUNS_CODE, text) for name, text in texts() if name.endswith(".py") and not name.startswith("tests")}
    converter = found.pop("benchmarks/efficientnet_lite.py")  # of a file that others published: by its checksum, its tensors alone
    assert {name for name, matches in found.items() if matches} == set() and len(converter) == 1
    assert "weights_only=True" in (ROOT / "benchmarks" / "efficientnet_lite.py").read_text(encoding="utf-8")


def test_no_path_of_one_machine() -> None:
    found = [f"{name}: {line}" for name, text in texts() for line in text.splitlines() if re.search(ONE_MACHINE, line)]
    assert found == []


def test_no_large_file() -> None:
    assert [path for path in files() if path.stat().st_size > 16 * 2**20] == []


def test_every_config_opens_with_its_command() -> None:
    configs = sorted((ROOT / "configs").glob("*.yaml"))
    assert configs
    silent = [
        path.name for path in configs if f"--config configs/{path.name}" not in "".join(path.read_text(encoding="utf-8").splitlines()[:5])
    ]
    assert silent == []


@pytest.mark.parametrize("code", ["import retinai", "import retinai.cli", "import retinai.readers", "import retinai.config"])
def test_import_loads_nothing_heavy(code: str) -> None:
    heavy = {"torch", "torchvision", "transformers", "timm", "segmentation_models_pytorch", "skimage", "sklearn", "streamlit", "matplotlib"}
    assert modules_after(code) & heavy == set()


def test_the_shell_starts_without_arrays() -> None:
    assert modules_after("import retinai.cli") & {"numpy", "cv2", "scipy", "PIL", "pydantic"} == set()


def test_the_vocabulary_is_there() -> None:
    nouns = set(retinai.__all__) - {"explain", "RetinaiError", "__version__"}
    assert {getattr(retinai, name).__module__.rpartition(".")[0] for name in nouns} == {"retinai.types"}
    assert retinai.explain.__module__ == "retinai.pipeline"


def test_unknown_name_lists_the_vocabulary() -> None:
    with pytest.raises(AttributeError, match="retinai has no 'diagnose'; it has Evidence, Explanation"):
        _ = retinai.diagnose  # type: ignore[attr-defined]


def test_tests_cannot_reach_the_network() -> None:
    with socket.socket() as outside, pytest.raises(RuntimeError, match="may not connect"):
        outside.connect(("192.0.2.1", 80))


def test_no_json_is_written_that_could_hold_nan() -> None:
    """`NaN` is no JSON, and other programs stop at it."""
    wrong = []
    for path in sorted(p for room in ("retinai", "segmentation", "vlm", "fusion", "apps") for p in (ROOT / room).rglob("*.py")):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(call, ast.Call) and ast.unparse(call.func) in ("json.dump", "json.dumps", "jsonlib.dumps"):
                strict = any(word.arg == "allow_nan" for word in call.keywords)
                hashed = "sha256(" in path.read_text(encoding="utf-8").splitlines()[call.lineno - 1]
                wrong += [] if strict or hashed else [f"{path.relative_to(ROOT)}:{call.lineno}"]
    assert wrong == []
