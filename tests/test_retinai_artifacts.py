"""Models on disk: the bundled ones and foreign ones, whole or refused in one line."""

from __future__ import annotations

import json
import os
import shutil
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import save

from retinai.artifacts import (
    OWN,
    check_folder,
    one_line,
    read_card,
    read_json,
    read_tensors,
    record,
    share,
    sums_of,
    write_card,
    write_tensors,
)
from retinai.checkpoint import load_checkpoint, save_checkpoint
from retinai.cli import main
from retinai.errors import WeightsError
from retinai.files import sha256_of
from retinai.grading.weights import BUNDLED as GRADERS
from retinai.grading.weights import load_grader_files
from retinai.strict_json import dumps, loads
from segmentation.weights import BUNDLED as LESIONS
from segmentation.weights import read_card as read_lesion_card
from vlm.model import BUNDLED as NANO

Check = Callable[[Path], Any]
MODELS: dict[str, tuple[Path, Check]] = {
    "lesions": (LESIONS, read_lesion_card),
    "grader-lesions": (GRADERS["lesions"], lambda folder: load_grader_files(folder, "lesions")),
    "grader-image": (GRADERS["image"], lambda folder: load_grader_files(folder, "image")),
    "nano": (NANO, lambda folder: check_folder(folder, card_needed=True)),
}
FILES = [(name, path.name) for name, (folder, _) in MODELS.items() for path in sorted(folder.iterdir()) if path.name != "README.md"]


@pytest.fixture(params=MODELS)
def model(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, Check]:
    """A copy of a bundled model, and what checks it at loading."""
    folder, check = MODELS[request.param]
    return shutil.copytree(folder, tmp_path / request.param), check


def refused(check: Check, folder: Path, words: str = ".") -> str:
    with pytest.raises(WeightsError, match=words) as caught:
        check(folder)
    text = str(caught.value)
    assert "\n" not in text and text.isprintable() and len(text) < 500
    return text


def flip(path: Path, place: int) -> None:
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)


def test_what_is_bundled_is_whole(model: tuple[Path, Check]) -> None:
    folder, check = model
    check(folder)


@pytest.mark.parametrize(("name", "file"), FILES)
def test_one_flipped_bit_in_any_file_of_any_bundled_model_is_refused(name: str, file: str, tmp_path: Path) -> None:
    source, check = MODELS[name]
    folder = shutil.copytree(source, tmp_path / name)
    flip(folder / file, len((folder / file).read_bytes()) // 2)
    assert str(folder / file) in refused(check, folder)


def test_a_flipped_bit_in_a_card_is_refused_or_changes_nothing(model: tuple[Path, Check]) -> None:
    folder, _ = model
    card, whole = folder / "card.json", (folder / "card.json").read_bytes()
    before, caught = json.loads(whole), 0
    for place in np.random.default_rng(0).integers(0, len(whole), 60):
        flip(card, int(place))
        try:
            read_card(folder)
        except WeightsError:
            caught += 1
        else:
            after = json.loads(card.read_bytes())
            assert {k: v for k, v in after.items() if k in before and k != OWN} == {k: v for k, v in before.items() if k != OWN}
        card.write_bytes(whole)
    assert caught >= 20


CARDS: dict[str, bytes] = {
    "is broken: it holds no JSON object": b"[1, 2]",
    "is broken: Expecting value": b"GIF89a",
    "is broken: 'utf-8' codec": b'{"a": "\xff"}',
    "is broken: it is nested too deeply": b'{"a":' + b"[" * 200_000,
    "is broken: NaN is no number in JSON": b'{"temperature": NaN}',
    "is broken: 1e999 is too large": b'{"temperature": 1e999}',
    "is too large: 5 MB, at most 4": b'{"a": "' + b"x" * 5 * 2**20 + b'"}',
}


@pytest.mark.parametrize("words", CARDS)
def test_a_card_that_is_none_is_one_line(model: tuple[Path, Check], words: str) -> None:
    folder, check = model
    (folder / "card.json").write_bytes(CARDS[words])
    assert str(folder / "card.json") in refused(check, folder, words)


NEEDED = {
    "nano": ["files"],
    "lesions": ["encoder", "decoder_channels", "sides", "sha256"],
    "grader-image": ["backbone", "size", "sha256"],
    "grader-lesions": ["temperature", "cuts", "features", "lesion_weights", "sha256"],
}


def test_every_key_that_is_read_is_asked_for_by_name(model: tuple[Path, Check]) -> None:
    """Each entry left out, or of another type, with the card's own checksum made right: refused by its name, or never read."""
    folder, check = model
    card = read_card(folder)
    needed = NEEDED[folder.name]
    for key in needed:
        write_card(folder, {k: v for k, v in card.items() if k != key})
        refused(check, folder, rf"card\.json is broken: {key}: Field required")
        write_card(folder, card | {key: {"wrong": [None]}})
        refused(check, folder, key if folder.name != "nano" else "card")


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("lesions", {"sides": [10**9]}, r"sides\.0: Input should be less than or equal to 8192"),
        ("lesions", {"thresholds": {"MA": 2.0}}, r"thresholds\.MA"),
        ("lesions", {"sides": []}, "sides"),
        ("grader-lesions", {"cuts": [0.5, 1.5]}, "2 ascending cuts cannot part 5 classes"),
        ("grader-lesions", {"cuts": [3.0, 2.0, 1.0, 0.5]}, "ascending"),
        ("grader-lesions", {"temperature": 0}, "temperature"),
        ("grader-lesions", {"classes": ["a", "b"], "cuts": None}, "there are 5 grades, and 2 classes"),
        ("grader-image", {"conformal": {"threshold": 7, "rate": 0.9, "cases": 3}}, r"conformal\.threshold"),
        ("grader-image", {"size": "384"}, "size"),
        ("grader-image", {"kind": "lesions"}, "of kind 'lesions', not 'image'"),
    ],
)
def test_values_out_of_range_are_named(tmp_path: Path, name: str, change: dict[str, Any], words: str) -> None:
    source, check = MODELS[name]
    folder = shutil.copytree(source, tmp_path / name)
    write_card(folder, read_card(folder) | change)
    refused(check, folder, words)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"options": {"checkpoint_path": "other.pth"}}, "the option checkpoint_path would read another file"),
        ({"library": "transformers"}, "a model of transformers needs its config"),
        ({"library": "pickle"}, "library"),
    ],
)
def test_a_card_cannot_have_another_file_fetched(tmp_path: Path, change: dict[str, Any], words: str) -> None:
    source, check = MODELS["grader-image"]
    folder = shutil.copytree(source, tmp_path / "grader")
    card = read_card(folder)
    write_card(folder, card | {"backbone": card["backbone"] | change})
    refused(check, folder, words)


def test_a_folder_or_nothing_in_the_place_of_a_file(model: tuple[Path, Check]) -> None:
    folder, check = model
    for path in sorted(folder.iterdir()):
        if path.name == "README.md":
            continue
        path.rename(folder.parent / "aside")
        refused(check, folder)
        path.mkdir()
        refused(check, folder)
        path.rmdir()
        (folder.parent / "aside").rename(path)
    check(folder)


def test_a_file_that_the_card_does_not_name_is_refused(tmp_path: Path) -> None:
    """A library would read it: a second shard, other special tokens, a template."""
    folder = shutil.copytree(NANO, tmp_path / "nano")
    for name in ("added_tokens.json", "model-00001-of-00002.safetensors", "pytorch_model.bin", "modeling_llava.py"):
        (folder / name).write_bytes(b"{}")
        refused(MODELS["nano"][1], folder, f"{name} is not one of the files")
        (folder / name).unlink()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_the_right_to_read_it_is_one_line(model: tuple[Path, Check]) -> None:
    folder, check = model
    for path in sorted(folder.iterdir()):
        path.chmod(0)
        if path.name != "README.md":
            refused(check, folder, "cannot be read: Permission denied")
        path.chmod(0o644)


def test_a_file_that_the_system_will_not_open_is_one_line(model: tuple[Path, Check], monkeypatch: pytest.MonkeyPatch) -> None:
    folder, check = model

    def denied(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("retinai.artifacts.sha256_of", denied)
    refused(check, folder, "cannot be read: Permission denied")
    monkeypatch.setattr(Path, "read_bytes", denied)
    refused(check, folder, r"\.json cannot be read: Permission denied")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "holds no tensors that can be read"),
        (b"\xff" * 64, "holds no tensors that can be read"),
        (save({"w": np.ones(8, np.float32)})[:-5], "holds no tensors that can be read"),
        (save({"w": np.array([1, np.nan], np.float32)}), "w holds a number that is not finite"),
        (save({"w": np.array([1, np.inf], np.float16)}), "w holds a number that is not finite"),
    ],
)
@pytest.mark.parametrize("framework", ["np", "pt"])
def test_weights_that_are_none_or_not_finite(tmp_path: Path, data: bytes, words: str, framework: Any) -> None:
    path = tmp_path / "w.safetensors"
    path.write_bytes(data)
    refused(lambda p: read_tensors(p, framework), path, words)


def test_weights_that_are_too_large_are_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    with path.open("wb") as file:
        file.truncate(5 * 2**30)  # sparse: takes no room
    refused(read_tensors, path, "is too large: 5120 MB, at most 4096")


def test_a_checkpoint_of_another_model_or_half_of_one_is_refused(tmp_path: Path) -> None:
    path, small, large = tmp_path / "c.safetensors", torch.nn.Linear(2, 2), torch.nn.Linear(3, 2)
    optimizer = torch.optim.SGD(small.parameters(), lr=0.1)
    save_checkpoint(path, 7, {"net": small}, optimizer)
    assert load_checkpoint(path, {"net": small}, optimizer) == 7
    refused(lambda p: load_checkpoint(p, {"net": large}, optimizer), path, "no model can be built from")
    write_tensors(path, dict(small.state_dict()))
    refused(lambda p: load_checkpoint(p, {"net": small}, optimizer), path, "it names no step")
    path.write_bytes(path.read_bytes()[:40])
    refused(lambda p: load_checkpoint(p, {"net": small}, optimizer), path, "holds no tensors")


def test_what_is_written_may_be_read_by_whom_the_umask_allows(tmp_path: Path) -> None:
    old = os.umask(0o027)
    try:
        write_tensors(tmp_path / "w.safetensors", {"w": torch.ones(2)})
        write_card(tmp_path, {"a": 1})
        save_checkpoint(tmp_path / "c.safetensors", 1, {}, torch.optim.SGD([torch.nn.Parameter(torch.ones(1))]))
        (tmp_path / "theirs.safetensors").touch(0o600)
        share(tmp_path)
    finally:
        os.umask(old)
    rights = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert rights == dict.fromkeys(("w.safetensors", "card.json", "c.safetensors", "theirs.safetensors"), 0o640)


def test_a_card_comes_back_as_it_was_written_and_says_when_it_was_changed(tmp_path: Path) -> None:
    card = write_card(tmp_path, {"b": [1, 2.5, None], "a": {"ä": "x"}, OWN: "old"})
    assert read_card(tmp_path) == card and read_card(tmp_path) | {"b": 0, "a": 0} == {"b": 0, "a": 0, OWN: card[OWN]}
    (tmp_path / "card.json").write_text(json.dumps(card | {"b": [1, 2.6, None]}))
    refused(read_card, tmp_path, f"was changed after it was written; if you did so on purpose, take {OWN} out of it")
    (tmp_path / "card.json").write_text(json.dumps({"b": [1, 2.6, None]}))
    assert read_card(tmp_path) == {"b": [1, 2.6, None]}
    assert write_card(tmp_path, {"b": [float("nan"), (float("inf"), 1.0)]})["b"] == [None, [None, 1.0]] == read_card(tmp_path)["b"]


def test_a_file_written_anew_is_told_to_the_card(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(save({"w": np.ones(1)}))
    (tmp_path / "grade.json").write_text("{}")
    write_card(tmp_path, {"files": sums_of(tmp_path)})
    (tmp_path / "grade.json").write_text('{"new": 1}')
    refused(check_folder, tmp_path, "grade.json does not match the checksum")
    record(tmp_path, "grade.json")
    check_folder(tmp_path)
    assert read_json(tmp_path / "card.json")["files"]["grade.json"] == sha256_of(tmp_path / "grade.json")


@pytest.mark.parametrize("name", ["config.json", "tokenizer_config.json", "processor_config.json"])
def test_a_model_that_asks_for_code_is_refused_without_a_question(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from vlm.generate import Vlm

    monkeypatch.setattr("builtins.input", lambda *_: pytest.fail("a question at the terminal"))
    folder = shutil.copytree(NANO, tmp_path / "theirs")
    (folder / "card.json").unlink()
    (folder / name).write_text(json.dumps(read_json(folder / name) | {"auto_map": {"AutoModel": "evil.Evil", "AutoConfig": "evil.Evil"}}))
    (folder / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\nclass Evil: ...\n")
    refused(lambda f: Vlm.load(f, device="cpu"), folder, rf"{name} asks for code of its own \(auto_map\), which is never run")
    assert not (tmp_path / "ran").exists()


def test_a_model_of_pickles_alone_is_refused(tmp_path: Path) -> None:
    from vlm.generate import Vlm

    folder = shutil.copytree(NANO, tmp_path / "theirs")
    (folder / "card.json").unlink()
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    refused(lambda f: Vlm.load(f, device="cpu"), folder, "holds no safetensors; pickles")


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("config.json", {"text_config": 7}),
        ("config.json", {"vision_config": {"model_type": "lesion_tower", "encoder": "nonsense"}}),
        ("config.json", {"model_type": "bert"}),
        ("tokenizer.json", {"model": {"type": "BPE"}}),
        ("processor_config.json", {"image_processor": []}),
    ],
)
def test_a_foreign_model_that_cannot_be_built_is_one_line(tmp_path: Path, name: str, change: dict[str, Any]) -> None:
    from vlm.generate import Vlm

    folder = shutil.copytree(NANO, tmp_path / "theirs")
    (folder / "card.json").unlink()
    (folder / name).write_text(json.dumps(read_json(folder / name) | change))
    refused(lambda f: Vlm.load(f, device="cpu"), folder, "no model can be built from|do not fill the model|does not fit")


def test_a_foreign_model_with_a_tensor_missing_is_not_filled_by_chance(tmp_path: Path) -> None:
    from vlm.generate import Vlm

    folder = shutil.copytree(NANO, tmp_path / "theirs")
    (folder / "card.json").unlink()
    tensors = read_tensors(folder / "model.safetensors", "pt")
    lost = next(name for name in sorted(tensors) if "q_proj" in name)
    write_tensors(folder / "model.safetensors", {k: v for k, v in tensors.items() if k != lost}, {"format": "pt"})
    refused(lambda f: Vlm.load(f, device="cpu"), folder, "do not fill the model: 1 tensors missing, such as .*q_proj")


def test_the_command_ends_with_one_line_and_exit_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = shutil.copytree(LESIONS, tmp_path / "weights")
    flip(folder / "lesions.safetensors", 4_000_000)
    photograph = Path(__file__).parents[1] / "examples" / "IDRiD_18.jpg"
    words = ["retinai", "explain", str(photograph), "--weights", str(folder), "--vlm", "none", "--second", "none"]
    monkeypatch.setattr(sys, "argv", words)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert capsys.readouterr().err == f"retinai: {folder / 'lesions.safetensors'} does not match the checksum of its card\n"


def test_strict_json_has_no_nan_and_no_depth_without_end() -> None:
    assert loads(b'{"a": [1, 2.5, "\\u00e4"]}') == {"a": [1, 2.5, "ä"]} == loads(dumps({"a": [1, 2.5, "ä"]}))
    for text in ("NaN", "-Infinity", "1e999", "-1e999", "[" * 100_000, "9" * 5000, "", "{'a': 1}", b"\xff\xfe1\x00"):
        with pytest.raises(ValueError):
            loads(text)
    with pytest.raises(ValueError):
        dumps({"p": float("inf")})


def test_words_of_an_exception_cannot_move_a_cursor() -> None:
    assert one_line(ValueError("a\nb\x1b[2J" + "x" * 300)) == "a b?[2J" + "x" * 190 + "..."
