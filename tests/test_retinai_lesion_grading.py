"""The lesion-feature grader from `retinai train grader` to a reading that cites lesions; readings kept on disk."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from drawn import draw_fundus
from tiny_graders import draw_set
from typer.testing import CliRunner
from untrained import untrained_weights

import retinai.train_grader
from retinai.cli import app
from retinai.errors import ConfigError, MissingModelError, UsageError, WeightsError
from retinai.graders import Options, load_grader
from retinai.grading.lesion_features import FEATURES, LesionReading
from retinai.grading.settings import ImageGraderConfig, LesionGraderConfig
from retinai.image import fundus_image, read_photograph
from retinai.lesion_grading import LesionGrader, LesionReader, names_of
from retinai.lesions import LESIONS
from retinai.train_grader import read_config, spread
from retinai.types import Landmarks, Lesion, Place


class BrightReader:
    """Instead of a U-Net: the brighter the photograph, the more haemorrhages it has, all over the field."""

    def __init__(self, sha256: str = "a" * 64) -> None:
        self.detector = SimpleNamespace(card={"sha256": sha256}, peaks=dict.fromkeys(LESIONS, 0.5))

    @classmethod
    def load(cls, *_: object) -> BrightReader:
        return cls()

    def read(self, image) -> LesionReading:
        count = 3 * (round(float(np.median(image.pixels[image.field])) / 45) - 1)
        spots = [(20.0 + 60 * (n % 2), 20.0 + 60 * (n // 2 % 2)) for n in range(count)]
        lesions = tuple(Lesion(f"HE-{n + 1}", "HE", (0, 0, 4, 4), 12, 0.9, Place(spot)) for n, spot in enumerate(spots))
        encoder = np.array([float(count), 1.0, -float(count), 0.0], np.float32)
        return LesionReading(lesions, Landmarks(), (48.0, 48.0), 5000, dict.fromkeys(LESIONS, 0.0), encoder)


@pytest.fixture
def bright(monkeypatch) -> None:
    monkeypatch.setattr(retinai.train_grader, "LesionReader", BrightReader)
    monkeypatch.setattr("retinai.lesion_grading.LesionReader", BrightReader)


def config(tmp_path: Path, *lines: str) -> Path:
    path = tmp_path / "grader.yaml"
    values = ["grader: lesions", f"data: {tmp_path / 'set'}", "dataset: csv", f"output: {tmp_path / 'out'}", "folds: 3", *lines]
    path.write_text("\n".join(values) + "\n")
    return path


@pytest.mark.parametrize("lines", [(), ("features: [lesions, encoder]", "model: logistic")])
def test_from_command_to_citations(bright, tmp_path, lines):
    root = draw_set(tmp_path / "set")
    words = ["train", "grader", "--config", str(config(tmp_path, *lines)), "strengths=[0.1, 1.0]", "--json"]
    card = json.loads(CliRunner().invoke(app, words, catch_exceptions=False).stdout)
    assert card["validation"]["kappa"] > 0.9 and card["trained_on"]["photographs"] == {"train": 30, "validation": 10}
    assert set(card["coefficients"]["features"]) == set(FEATURES) and card["strength"] in (0.1, 1.0)
    grader = load_grader(f"lesions:{tmp_path / 'out'}")
    none, some = grader.grade([read_photograph(root / "p015.png"), read_photograph(root / "p019.png")])
    assert none.grade and some.grade and (none.grade.level, some.grade.level) == (0, 4)
    assert none.text.startswith("Grade 0 by the lesion map. No lesion that is marked weighs for it.")
    assert "12 haemorrhages [HE-1, HE-2, HE-3, HE-4, HE-5, HE-6 and 6 more]" in some.text
    assert dict(grader.identity)["lesion_weights"] == "a" * 64


def test_people_read_the_weights(bright, tmp_path):
    draw_set(tmp_path / "set")
    words = ["train", "grader", "--config", str(config(tmp_path)), "strengths=[1.0]", "limit=25"]
    lines = CliRunner().invoke(app, words, catch_exceptions=False).stdout.splitlines()
    assert lines[0].startswith("validation, 10 photographs: accuracy ")
    table = lines[next(n for n, line in enumerate(lines) if line.startswith("feature")) + 1 :][: len(FEATURES)]
    strongest = [line.split()[0] for line in table[:4]]
    assert set(strongest) == {"HE"} and len(table) == len(FEATURES)


def test_other_lesion_weights_are_refused(bright, tmp_path, monkeypatch):
    draw_set(tmp_path / "set")
    retinai.train_grader.train(read_config(config(tmp_path), ["strengths=[1.0]"]))
    monkeypatch.setattr(BrightReader, "load", classmethod(lambda *_: BrightReader("b" * 64)))
    with pytest.raises(WeightsError, match="was fitted on other lesion weights"):
        LesionGrader.load(tmp_path / "out")


@pytest.fixture(scope="module")
def reader(tmp_path_factory) -> LesionReader:
    """A real but untrained U-Net."""
    folder = untrained_weights(tmp_path_factory.mktemp("weights"), 64)
    return LesionReader.load(folder, folder / "cache", "cpu")


def test_a_reading_is_kept_by_content(reader, monkeypatch):
    image = fundus_image(draw_fundus()[0], "a")
    first = reader.read(image)
    assert first.encoder.shape == (2 * 1280,) and np.isfinite(first.encoder).all() and first.area_px == int(image.field.sum())
    monkeypatch.setattr(reader.detector, "detect", lambda _: pytest.fail("looked twice"))
    again = reader.read(fundus_image(draw_fundus()[0], "another name"))
    assert (again.lesions, again.landmarks, again.middle, again.mean) == (first.lesions, first.landmarks, first.middle, first.mean)
    assert np.array_equal(again.encoder, first.encoder)
    assert LesionReader(reader.detector).cache is None
    with pytest.raises(pytest.fail.Exception, match="looked twice"):
        reader.read(fundus_image(draw_fundus(seed=1)[0], "a"))


def test_names_say_which_features_have_lesions():
    assert names_of(("lesions", "encoder"), 33) == [*FEATURES, "encoder.0", "encoder.1", "encoder.2"]
    assert names_of(("encoder",), 2) == ["encoder.0", "encoder.1"]


def test_limits_are_spread_over_the_list():
    assert spread(list(range(10)), 3) == [0, 4, 9] and spread([1, 2], 5) == [1, 2]  # type: ignore[arg-type, list-item]


def test_configs_of_both_kinds_and_of_none(tmp_path):
    assert isinstance(read_config(config(tmp_path), []), LesionGraderConfig)
    folder = Path(__file__).parents[1] / "configs"
    kinds = {path.stem: type(read_config(path, [])) for path in folder.glob("grader-*.yaml")}
    assert kinds.pop("grader-lesions") == kinds.pop("grader-lesions-encoder") == LesionGraderConfig
    assert set(kinds.values()) == {ImageGraderConfig} and len(kinds) == 5
    with pytest.raises(ConfigError, match=r"grader: 'magic' in .*; there are image, lesions"):
        read_config(config(tmp_path), ["grader=magic"])


def test_names_without_bundled_weights_say_how_to_get_them(tmp_path, monkeypatch):
    monkeypatch.setattr("retinai.graders.BUNDLED", {"image": tmp_path / "a", "lesions": tmp_path / "b"})
    for name in ("image", "lesions"):
        with pytest.raises(MissingModelError, match=f"no {name} grader comes with this version.*{name}:FOLDER"):
            load_grader(name)
        with pytest.raises(UsageError, match="for vision-language models, not for"):
            load_grader(f"{name}:{tmp_path}", Options(load_4bit=True))
        with pytest.raises(WeightsError, match="no weights of a grader in"):
            load_grader(f"{name}:{tmp_path}")
        with pytest.raises(UsageError, match="no grader"):
            load_grader(f"{name}:")
