"""A page for a patient's record: the overlay of each eye, the grade, the cited sentences, what could not be assessed."""

from __future__ import annotations

import io
import textwrap
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import cv2

from apps.cases import Case
from apps.pdf_labels import Label, cited_ids, draw_labels, place_labels
from apps.words import WITHHELD, headline, in_short, parts
from retinai.draw import overlay
from retinai.lesions import DISCLAIMER
from retinai.types import Patient

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_A4 = (8.27, 11.69)  # inches
_LEFT, _RIGHT, _TOP, _BOTTOM = 0.07, 0.93, 0.95, 0.075  # shares of the page
_SIZES = (8.5, 8.0, 7.5, 7.0, 6.5, 6.0, 5.5, 5.0)  # points, the largest that fits
_LABEL = 4.5  # points, of the lesions' names on the picture
_LINE = 1.32  # of the letters' height
_GREY = "0.35"
_DRAWING = threading.Lock()  # matplotlib's settings and fonts are the process's
_MOST_PX = 1500  # a picture's width: 200 pixels an inch for one eye


def patient_pdf(cases: Sequence[Case], patient: Patient | None = None) -> bytes:
    """One A4 page for the one or two eyes of a patient; patient: what both say together. Raises ValueError for none or more."""
    if not 1 <= len(cases) <= 2:
        raise ValueError(f"a page holds one or two eyes, not {len(cases)}")
    import matplotlib
    from matplotlib.figure import Figure

    with _DRAWING, matplotlib.rc_context({"pdf.fonttype": 42, "font.family": "DejaVu Sans"}):  # text that can be searched and copied
        page = Figure(figsize=_A4)
        _frame(page, cases)
        width = (_RIGHT - _LEFT - 0.03 * (len(cases) - 1)) / len(cases)
        texts = [page_lines(case, None if number else patient) for number, case in enumerate(cases)]
        lefts = [_LEFT + number * (width + 0.03) for number in range(len(cases))]
        top = min(_column(page, case, text, left, width) for case, text, left in zip(cases, texts, lefts, strict=True))
        size = _size(texts, width, top - _BOTTOM)
        for text, left in zip(texts, lefts, strict=True):
            _write(page, _wrapped(text, width, size), left, top, size)
        target = io.BytesIO()
        page.savefig(target, format="pdf", metadata={"Title": "RetinAI report", "Author": None, "Creator": None})
    return target.getvalue()


def _frame(page: Figure, cases: Sequence[Case]) -> None:
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    page.text(_LEFT, _TOP, "RetinAI: findings in photographs of the retina", fontsize=13, weight="bold", va="bottom")
    page.text(_RIGHT, _TOP, now, fontsize=7.5, color=_GREY, ha="right", va="bottom")
    page.text(_LEFT, _TOP - 0.006, "Patient: ______________________________    Date of birth: ______________    "
              "Read by: ______________________________", fontsize=7.5, color=_GREY, va="top")  # fmt: skip
    page.text(_LEFT, 0.035, DISCLAIMER, fontsize=9, weight="bold", va="bottom")
    page.text(_LEFT, 0.032, "; ".join(_stamp(case) for case in cases), fontsize=5.5, color=_GREY, va="top")


def _stamp(case: Case) -> str:
    """What ties the page to its record: the beginnings of the checksums, and the version."""
    provenance: Any = case.explanation.provenance if case.explanation else {}
    image, weights = str(provenance["image_sha256"])[:12], str(provenance["weights_sha256"])[:12]
    return f"case {case.upload.number}: photograph {image}, weights {weights}, retinai {provenance['versions']['retinai']}"


def _column(page: Figure, case: Case, text: Sequence[tuple[str, list[str]]], left: float, width: float) -> float:
    """The picture of one eye, with the names of the lesions that its text cites. Returns where the words begin."""
    picture = _picture(case)
    height = min(0.42, width * _A4[0] / _A4[1] * picture.shape[0] / picture.shape[1])
    axes = page.add_axes((left, _TOP - 0.03 - height, width, height))
    axes.imshow(picture, interpolation="none")
    axes.set_axis_off()
    draw_labels(axes, labels_of(case, text, picture.shape[1], height), _LABEL)
    return _TOP - 0.042 - height


def labels_of(case: Case, text: Sequence[tuple[str, list[str]]], picture_width: int, height: float) -> list[Label]:
    """The labels of one eye. picture_width: px; height: of the picture, a share of the page."""
    explanation = case.explanation
    cited = set(cited_ids(line for heading, lines in text for line in (heading, *lines)))
    lesions = [lesion for lesion in explanation.lesions if lesion.id in cited] if explanation else []
    if not lesions:
        return []
    native_height, native_width = case.open().image.field.shape
    scale = picture_width / native_width
    letter = _LABEL / 72 / _A4[1] / height * native_height * scale
    others = [lesion for lesion in explanation.lesions if lesion.id not in cited] if explanation else []
    return place_labels(lesions, scale, (picture_width, native_height * scale), letter, others)


def _size(texts: Sequence[Sequence[tuple[str, list[str]]]], width: float, room: float) -> float:
    """The largest letters in which every column fits, the smallest where none does."""
    for size in _SIZES:
        if all(len(_wrapped(text, width, size)) * _step(size) <= room for text in texts):
            return size
    return _SIZES[-1]


def _step(size: float) -> float:
    """A line's height as a share of the page."""
    return size * _LINE / 72 / _A4[1]


def _picture(case: Case) -> Any:
    reading = case.open()
    outlines = [(lesion, reading.regions.contours(lesion)) for lesion in reading.explanation.lesions] if reading.regions else []
    picture = overlay(reading.image, outlines, reading.explanation.landmarks)
    height, width = picture.shape[:2]
    scale = min(1.0, _MOST_PX / width)
    return cv2.resize(picture, (round(width * scale), round(height * scale)), interpolation=cv2.INTER_AREA)


def _wrapped(sections: Sequence[tuple[str, list[str]]], width: float, size: float) -> list[tuple[str, bool]]:
    """(line, whether it is a heading). A letter is about 0.58 of its size wide, a bold one 0.68."""
    most = int(width * _A4[0] * 72 / (size * 0.58))
    lines: list[tuple[str, bool]] = []
    for heading, paragraphs in sections:
        lines += [(line, True) for line in textwrap.wrap(heading, round(most * 0.58 / 0.68))]
        for paragraph in paragraphs:
            lines += [(line, False) for line in textwrap.wrap(paragraph, most, subsequent_indent="   ", break_on_hyphens=False)]
    return lines


def page_lines(case: Case, patient: Patient | None = None) -> list[tuple[str, list[str]]]:
    """(heading, lines) of one eye, what both eyes say together at its end. What was withheld stays on the screen and in the JSON: on
    paper nobody may take it for a finding."""
    explanation = case.explanation
    if explanation is None:
        raise ValueError(f"{case.label} was not read")
    top = f"{case.label}. {headline(explanation)}"
    both = [("Both eyes", [*patient.laterality, *patient.ophthalmologist, *patient.asymmetry])] if patient else []
    if not explanation.quality.gradable:
        return [(top, [*explanation.quality.reasons, "Nothing was graded. Please take another photograph."]), *both]
    told = [(heading, lines) for heading, lines in parts(explanation) if not heading.startswith(WITHHELD)]
    return [(top, [*in_short(explanation), *case.notes]), *both, *told]


def _write(page: Figure, lines: list[tuple[str, bool]], left: float, top: float, size: float) -> None:
    """Line by line. What does not fit even in the smallest letters is said to be missing, never silently cut."""
    most = int((top - _BOTTOM) / _step(size))
    if len(lines) > most:
        lines = [*lines[: most - 1], ("The rest did not fit on this page: see the JSON document.", True)]
    for number, (line, heading) in enumerate(lines):
        page.text(left, top - number * _step(size), line, fontsize=size, weight="bold" if heading else "normal", va="top", parse_math=False)
