"""Each download opened again: what is in it is the case's, and what is not in it is the file's name."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile

import cv2
import numpy as np
import pytest
from viewer_case import case, ungradable

from apps.downloads import document_json, lesions_csv, masks_zip, overlay_png
from apps.pdf import page_lines, patient_pdf
from fusion.eyes import compare
from retinai.lesions import DISCLAIMER


def test_the_overlay_is_a_picture_of_the_photograph_with_a_key_below() -> None:
    picture = cv2.imdecode(np.frombuffer(overlay_png(case()), np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None and picture.shape[1] == 1072 and picture.shape[0] > 712
    blue, green, red = picture[round(0.62 * 712), round(1072 * (0.40 - 0.008))]
    assert blue > 150 and green < 120 and red < 120, "the haemorrhage's outline is blue"


def test_the_document_is_the_explanation() -> None:
    document = json.loads(document_json(case()))
    assert document["disclaimer"] == DISCLAIMER and document["image"] == "case-1"
    assert document["interval"]["visible"] == 2 and len(document["lesions"]) == 8


def test_the_masks_are_those_of_the_lesions() -> None:
    with zipfile.ZipFile(io.BytesIO(masks_zip(case()))) as archive:
        assert sorted(archive.namelist()) == ["EX.png", "HE.png", "MA.png", "OD.png", "README.txt", "SE.png"]
        mask = cv2.imdecode(np.frombuffer(archive.read("HE.png"), np.uint8), cv2.IMREAD_GRAYSCALE)
        assert DISCLAIMER in archive.read("README.txt").decode()
    explanation = case().explanation
    assert mask is not None and explanation and set(np.unique(mask)) == {0, 255} and mask.shape == (712, 1072)
    assert (mask > 0).sum() == sum(lesion.area_px for lesion in explanation.lesions if lesion.code == "HE")


def test_the_table_has_a_row_for_each_lesion() -> None:
    rows = list(csv.DictReader(io.StringIO(lesions_csv(case()).decode())))
    assert [row["id"] for row in rows] == ["MA-1", "MA-2", "HE-1", "HE-2", "EX-1", "EX-2", "EX-3", "SE-1"]
    assert rows[2]["quadrant"] == "inferonasal"


@pytest.mark.parametrize("eyes", [1, 2])
def test_the_report_is_one_page_with_an_overlay_for_each_eye(eyes: int) -> None:
    data = patient_pdf([case(), case(3, 2, "left")][:eyes])
    assert data.startswith(b"%PDF-") and len(re.findall(rb"/Type /Page\b", data)) == 1
    assert len(re.findall(rb"/Subtype /Image", data)) == eyes
    assert b"Jane" not in data and len(data) < eyes * 5e6


def test_the_report_says_what_the_page_says_and_withholds_what_it_withholds() -> None:
    lines = [line for _, some in page_lines(case()) for line in some]
    assert any("Needs review by a grader" in line for line in lines)
    assert any(line.startswith("Grade 2, moderate") and "[HE-1" in line for line in lines)
    assert not any("Venous beading is seen" in line or "the language model said" in line for line in lines)
    assert "Could not be assessed" in {heading for heading, _ in page_lines(case())}


def test_the_report_of_an_ungradable_photograph_grades_nothing() -> None:
    (heading, lines), *rest = page_lines(ungradable())
    assert heading == "Case 2. Ungradable" and lines[-1].startswith("Nothing was graded") and not rest
    assert patient_pdf([ungradable()]).startswith(b"%PDF-")


def test_the_report_of_two_eyes_compares_them() -> None:
    right, left = case(4, 5, "right"), case(6, 5, "left")
    assert right.explanation and left.explanation
    both = dict(page_lines(right, compare(right.explanation, left.explanation)))["Both eyes"]
    assert "The photograph given as the left eye looks like a right eye by disc and fovea: wrong eye, or mirrored." in both


def test_a_page_holds_two_eyes_at_the_most() -> None:
    with pytest.raises(ValueError, match="one or two eyes, not 3"):
        patient_pdf([case()] * 3)
