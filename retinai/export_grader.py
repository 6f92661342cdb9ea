"""`retinai export onnx`: from a grader's name to a file."""

from __future__ import annotations

from pathlib import Path

from retinai.errors import UsageError
from retinai.graders import folder_of
from retinai.grading.export import Exported, export_features, export_image
from retinai.grading.image_grader import ImageGrader
from retinai.grading.ordinal import Regression
from retinai.grading.weights import load_grader_files


def export_grader(name: str, path: Path) -> Exported:
    """Write the grader called `name` as ONNX. Raises UsageError for a kind that cannot be."""
    kind, _, source = name.partition(":")
    if kind not in ("image", "lesions"):
        raise UsageError(f"{name!r} cannot be exported; image, image:FOLDER, lesions and lesions:FOLDER can")
    folder = folder_of(kind, source)
    if kind == "image":
        return export_image(ImageGrader.load(folder, "cpu", name), path)
    arrays, card = load_grader_files(folder, "lesions")
    return export_features(Regression.of(card["model"], arrays), card["temperature"], path)
