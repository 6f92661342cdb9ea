"""The one table of lesions and grades: codes, words, colours. Every room takes its words from here.

Grades follow the International Clinical Diabetic Retinopathy scale (Wilkinson et al., Ophthalmology 2003).
Colours differ in lightness as well as in hue, on an orange ground and for colour-blind readers; line styles
repeat the difference.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LesionClass:
    """One class of finding.

    code: short name used in ids (`HE-3`); name and plural: the words printed to people;
    colour: RGB 0-255; detectable: whether the lesion U-Net has a channel for it;
    idrid: (folder number and name, file suffix) in the official IDRiD layout, or None.
    """

    code: str
    name: str
    plural: str
    colour: tuple[int, int, int]
    line: str = "solid"
    detectable: bool = True
    idrid: tuple[str, str] | None = None


MA = LesionClass("MA", "microaneurysm", "microaneurysms", (255, 255, 110), "dotted", True, ("1. Microaneurysms", "MA"))
HE = LesionClass("HE", "haemorrhage", "haemorrhages", (20, 60, 230), "solid", True, ("2. Haemorrhages", "HE"))
EX = LesionClass("EX", "hard exudate", "hard exudates", (90, 230, 255), "solid", True, ("3. Hard Exudates", "EX"))
SE = LesionClass("SE", "soft exudate", "soft exudates", (255, 140, 225), "dashed", True, ("4. Soft Exudates", "SE"))
OD = LesionClass("OD", "optic disc", "optic discs", (0, 210, 130), "dashdot", True, ("5. Optic Disc", "OD"))
IRMA = LesionClass(
    "IRMA", "intraretinal microvascular abnormality", "intraretinal microvascular abnormalities", (0, 0, 0), detectable=False
)
VB = LesionClass("VB", "venous beading", "venous beading", (0, 0, 0), detectable=False)
NV = LesionClass("NV", "neovascularisation", "neovascularisation", (0, 0, 0), detectable=False)
VH = LesionClass("VH", "vitreous or preretinal haemorrhage", "vitreous or preretinal haemorrhages", (0, 0, 0), detectable=False)

CLASSES: dict[str, LesionClass] = {c.code: c for c in (MA, HE, EX, SE, OD, IRMA, VB, NV, VH)}
SEGMENTED: tuple[str, ...] = ("MA", "HE", "EX", "SE", "OD")
"""The channel order of the lesion U-Net. A LesionMap carries its own copy."""
LESIONS: tuple[str, ...] = ("MA", "HE", "EX", "SE")
"""Lesions among the segmented classes (the optic disc is anatomy)."""
UNSEEN: tuple[str, ...] = ("IRMA", "VB", "NV", "VH")
"""Signs that no channel shows, which every explanation must say."""

GRADES: tuple[str, ...] = (
    "no diabetic retinopathy",
    "mild non-proliferative diabetic retinopathy",
    "moderate non-proliferative diabetic retinopathy",
    "severe non-proliferative diabetic retinopathy",
    "proliferative diabetic retinopathy",
)
REFERABLE_FROM = 2
"""The lowest ICDR grade that is referred."""
DME_RISKS: tuple[str, ...] = (
    "no visible hard exudate",
    "hard exudate away from the macula's centre",
    "hard exudate near the macula's centre",
)

DISCLAIMER = "Research use only, not a medical device."
