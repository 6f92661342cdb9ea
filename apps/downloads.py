"""What a case can be taken home as, made when it is asked for: overlay, JSON, masks, lesion table. No file is named after an upload."""

from __future__ import annotations

import io
import json
import zipfile

from apps.cases import Case
from retinai.draw import overlay
from retinai.lesions import DISCLAIMER
from retinai.report.document import to_patient_document
from retinai.report.folder import lesion_table, png
from retinai.types import Explanation, Patient


def overlay_png(case: Case) -> bytes:
    """The photograph with every lesion outlined and a key."""
    reading = case.open()
    outlines = [(lesion, reading.regions.contours(lesion)) for lesion in reading.explanation.lesions] if reading.regions else []
    return png(overlay(reading.image, outlines, reading.explanation.landmarks)[..., ::-1])


def document_json(case: Case) -> bytes:
    """The explanation as `retinai explain --json` gives it, and how it was read where that has to be said."""
    return (json.dumps(case.document, indent=2, allow_nan=False) + "\n").encode()


def patient_json(patient: Patient) -> bytes:
    """Both eyes in one document, as `retinai explain --right --left --json` gives it."""
    return (json.dumps(to_patient_document(patient), indent=2, allow_nan=False) + "\n").encode()


def masks_zip(case: Case) -> bytes:
    """A PNG of the photograph's size for each class, 255 where a lesion or the disc is; with the disclaimer beside them."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("README.txt", f"{DISCLAIMER}\n" + "".join(f"{note}\n" for note in case.notes))
        for code, mask in (case.masks or {}).items():
            archive.writestr(f"{code}.png", mask)
    return packed.getvalue()


def lesions_csv(case: Case) -> bytes:
    """One row a lesion, as `retinai explain --output` writes them."""
    return lesion_table(_explained(case).lesions).encode()


def _explained(case: Case) -> Explanation:
    if case.explanation is None:
        raise ValueError(f"{case.label} was not read")
    return case.explanation
