"""`retinai data prepare`, on drawn photographs."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from drawn import draw_grading, draw_idrid
from typer.testing import CliRunner

from retinai.cli import app
from retinai.conversations import prepare
from retinai.errors import DataError
from retinai.lesions import SEGMENTED
from retinai.types import FundusImage, LesionMap
from vlm.data import read_chat


@pytest.fixture(scope="module")
def idrid(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six outlined photographs and ten graded ones, of which 001 and 002 show the outlined 01 and 02."""
    root = draw_grading(draw_idrid(tmp_path_factory.mktemp("idrid")), [2, 3, 0, 0, 1, 2, 2, 3, 4, 0])
    (root / "segmentation_to_grading.csv").write_text("segmentation_image,grading_image\nIDRiD_01,IDRiD_001\nIDRiD_02,IDRiD_002\n")
    return root


def detector(level: float, peak: float) -> Any:
    """A detector that finds one square haemorrhage of this probability everywhere."""

    def detect(image: FundusImage) -> LesionMap:
        probs = np.zeros((len(SEGMENTED), *image.field.shape), np.float32)
        probs[SEGMENTED.index("HE"), 60:70, 90:100] = level
        return LesionMap(probs, SEGMENTED)

    return SimpleNamespace(detect=detect, profiles=(), thresholds=dict.fromkeys(SEGMENTED, 0.5), peaks=dict.fromkeys(SEGMENTED, peak))


def test_one_conversation_a_graded_photograph(idrid: Path, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["data", "prepare", "idrid", "--data", str(idrid), "--output", str(tmp_path / "chat.jsonl")])
    assert result.exit_code == 0, result.output
    chats = {each.id: each for each in read_chat(tmp_path / "chat.jsonl")}
    assert len(chats) == 10 and all(each.image.is_file() for each in chats.values())
    assert {each.split for each in chats.values()} == {"train", "validation"}
    assert "lesions by masks" in result.stdout and "lesions by nobody" in result.stdout


def test_true_masks_are_told_and_nothing_is_invented_without(idrid: Path) -> None:
    chats = {each.id: each for each in prepare("idrid", idrid)}
    outlined, second = chats["IDRiD_001"], chats["IDRiD_002"]
    assert outlined.labelled_by == "masks"
    assert {finding.code for finding in outlined.report.findings or ()} == {"MA", "HE", "EX", "SE"}
    assert second.report.absent == ("SE",), "drawn photograph 2 has no mask of soft exudates"
    bare = [each for each in chats.values() if each.labelled_by is None]
    assert len(bare) == 8 and all(each.report.findings is None for each in bare)
    assert all(word not in each.answer for each in bare for word in ("haemorrhage", "exudate", "aneurysm"))


def test_found_lesions_are_told_where_the_labels_allow_it(idrid: Path) -> None:
    chats = {each.id: each for each in prepare("idrid", idrid, detector(0.95, 0.9))}
    assert [finding.code for finding in chats["IDRiD_006"].report.findings or ()] == ["HE"]
    assert chats["IDRiD_003"].report.findings == () and "HE" in chats["IDRiD_003"].report.absent
    assert chats["IDRiD_006"].labelled_by == "model" and chats["IDRiD_001"].labelled_by == "masks"


def test_a_faint_lesion_is_neither_told_nor_denied(idrid: Path) -> None:
    report = {each.id: each for each in prepare("idrid", idrid, detector(0.7, 0.9))}["IDRiD_006"].report
    assert report.findings == () and "HE" in report.silent and "HE" not in report.absent


def test_the_same_photographs_give_the_same_file(idrid: Path) -> None:
    assert prepare("idrid", idrid) == prepare("idrid", idrid)


def test_an_unknown_data_set_is_refused(idrid: Path) -> None:
    with pytest.raises(DataError, match="no data set 'idird'; there are idrid"):
        prepare("idird", idrid)
