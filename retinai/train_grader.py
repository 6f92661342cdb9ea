"""`retinai train grader`: an image grader, or the regression on lesion features. One command for both kinds of config."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from retinai.config import Config, load_config
from retinai.errors import ConfigError
from retinai.grading.finish import headline
from retinai.grading.fit_features import Table, fit_features
from retinai.grading.lesion_features import FEATURES
from retinai.grading.names import target_of, with_levels
from retinai.grading.ordinal import Regression
from retinai.grading.settings import ImageGraderConfig, LesionGraderConfig
from retinai.grading.shortcuts import as_lines, by_group, collapse, within_lines
from retinai.grading.tune import levels_of, softmax
from retinai.grading.weights import save_grader
from retinai.image import read_photograph
from retinai.lesion_grading import LesionReader, names_of, vector_of
from retinai.progress import Progress
from retinai.readers import load
from retinai.readers.record import Record

KINDS: dict[str, type[Config]] = {"image": ImageGraderConfig, "lesions": LesionGraderConfig}


def read_config(path: Path, overrides: Iterable[str]) -> Config:
    """The config of a grader; its key `grader` says of which kind. Raises ConfigError for another."""
    words = list(overrides)
    kind = load_config(_Kind, path, words).grader
    if kind not in KINDS:
        raise ConfigError(f"grader: {kind!r} in {path}; there are {', '.join(KINDS)}")
    return load_config(KINDS[kind], path, words)


class _Kind(Config):
    """Only which kind of grader a file is for."""

    model_config = Config.model_config | {"extra": "ignore"}
    grader: str = "image"


def train(config: Config) -> dict[str, Any]:
    """Train what the config asks for and write weights and card to its `output`. Returns the card."""
    if isinstance(config, LesionGraderConfig):
        return train_lesions(config)
    from retinai.grading.train import train as train_image

    assert isinstance(config, ImageGraderConfig)
    return train_image(config)


def train_lesions(config: LesionGraderConfig) -> dict[str, Any]:
    """Read every photograph's lesions, once, and fit the regression on those of the training split."""
    reader, target = LesionReader.load(config.weights, config.cache, config.device), target_of("grade")
    records = load(config.dataset, config.data).records
    tables: dict[str, Table] = {}
    chosen: dict[str, list[Record]] = {}
    for split in ("train", "validation"):
        chosen[split], levels = with_levels(spread([r for r in records if r.split == split], config.limit), target)
        tables[split] = table_of(reader, chosen[split], levels, config.features, split)
    model, fitted = fit_features(config.model, tables["train"], config.strengths, config.folds, config.balance, config.seed, target)
    card = {
        "kind": "lesions", "target": "grade", "classes": list(target.classes), "ordered": True, "model": config.model,
        "features": list(config.features), "lesion_weights": reader.detector.card["sha256"],
        "trained_on": {"dataset": config.dataset, "photographs": {split: len(found) for split, found in chosen.items()}},
        "recipe": config.model_dump(mode="json", exclude={"data", "output", "cache", "weights"}),
        "coefficients": coefficients(model, config.features),
    }  # fmt: skip
    validation = tables["validation"]
    probs = softmax(model.logits(validation.features), fitted["temperature"])
    given = levels_of(probs, fitted["cuts"])
    figures = headline(probs, given, validation.levels, target) | {
        "groups": by_group(chosen["validation"], validation.levels, given, target.classes)
    }
    alarm = collapse(given, validation.levels, target.classes)
    return save_grader(config.output, model.arrays(), card | fitted | {"validation": figures, "alarms": [alarm] if alarm else []})


def spread(records: Sequence[Record], limit: int | None) -> list[Record]:
    """At most `limit` records, evenly spread over the list."""
    if limit is None or limit >= len(records):
        return list(records)
    return [records[round(place)] for place in np.linspace(0, len(records) - 1, limit)]


def table_of(reader: LesionReader, records: Sequence[Record], levels: Sequence[int], groups: Sequence[str], split: str) -> Table:
    """The features of all photographs of a split."""
    rows = []
    with Progress(f"reading lesions, {split}", len(records)) as progress:
        for done, record in enumerate(records, start=1):
            rows.append(vector_of(reader.read(read_photograph(record.image)), groups))
            progress.to(done)
    names = names_of(groups, len(rows[0]))
    blocks = np.array([name not in FEATURES for name in names], np.int64)
    units = [(record.source, record.patient or record.id) for record in records]
    return Table(np.stack(rows), np.array(levels, np.int64), blocks if "lesions" in groups else 0 * blocks, units)


def coefficients(model: Regression, groups: Sequence[str]) -> dict[str, Any]:
    """Name -> weight of each lesion feature, per deviation; of 'logistic' one a grade. Thresholds or intercepts beside them."""
    names = names_of(groups, len(model.mean))
    weights = {name: np.round(model.weights[..., place], 4).tolist() for place, name in enumerate(names) if name in FEATURES}
    return {"features": weights, "offsets": np.round(model.offsets, 4).tolist()}


def as_text(card: dict[str, Any], output: Path) -> str:
    """What came of a training, for people: figures on validation, where they come from, what it weighs, alarms."""
    figures = card["validation"]
    kappa = "" if figures["kappa"] is None else f", kappa {figures['kappa']:.3f}"
    lines = [
        f"validation, {figures['photographs']} photographs: accuracy {figures['accuracy']:.3f} (most frequent class"
        f" {figures['majority']:.3f}){kappa}, mean recall {figures['mean_recall']:.3f}, calibration error {figures['ece']:.3f}",
        f"temperature {card['temperature']:.2f}, cuts {card['cuts'] or 'none'}; to a human below {card['review']['threshold']:.2f}",
        "",
        *as_lines(figures["groups"]),
        *within_lines(figures.get("within_sources", {})),
    ]
    if card["kind"] == "lesions":
        lines += ["", *weights_table(card)]
    lines += ["", *(f"ALARM: {alarm}" for alarm in card["alarms"]), f"weights and card: {output}"]
    return "\n".join(lines)


def weights_table(card: dict[str, Any]) -> list[str]:
    """The coefficients per deviation of a feature, largest first. ordinal: up the scale; logistic: for each grade."""
    found = card["coefficients"]["features"]
    heads = ["up the scale"] if card["model"] == "ordinal" else [f"grade {grade}" for grade in range(len(card["classes"]))]
    lines = [f"{'feature':<18}" + "".join(f"{head:>13}" for head in heads)]
    for name in sorted(found, key=lambda name: -float(np.abs(found[name]).max())):
        lines.append(f"{name:<18}" + "".join(f"{value:>13.3f}" for value in np.atleast_1d(found[name])))
    return lines
