"""What graders are made of and what they tell, by name. Imports no torch, so that configs are read at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from retinai.errors import DataError
from retinai.lesions import GRADES, REFERABLE_FROM
from retinai.readers.record import Record

HeadName = Literal["softmax", "regression", "coral", "prototypes"]
LossName = Literal["cross_entropy", "focal", "regression", "coral", "prototypes"]
TargetName = Literal["grade", "referable", "merged", "label"]

FITTING: dict[str, tuple[str, ...]] = {
    "softmax": ("cross_entropy", "focal"),
    "regression": ("regression",),
    "coral": ("coral",),
    "prototypes": ("prototypes",),
}
"""Which losses take a head's outputs, its own first."""

_MERGED = (0, 1, 1, 2, 2)


@dataclass(frozen=True, slots=True)
class Target:
    """What a grader tells. classes: in the order of its outputs; ordered: whether they are a scale."""

    name: TargetName
    classes: tuple[str, ...]
    ordered: bool = True

    def level(self, record: Record) -> int | None:
        """The class of a record, None where it has none of them."""
        if self.name == "label":
            return self.classes.index(record.label) if record.label in self.classes else None
        if record.grade is None:
            return None
        return {"grade": record.grade, "referable": int(record.grade >= REFERABLE_FROM), "merged": _MERGED[record.grade]}[self.name]


def target_of(name: TargetName, classes: Sequence[str] = ()) -> Target:
    """The target called `name`. classes: of target 'label'."""
    return {
        "grade": Target("grade", GRADES),
        "referable": Target("referable", ("not referable", "referable")),
        "merged": Target("merged", ("grade 0", "grade 1 or 2", "grade 3 or 4")),
        "label": Target("label", tuple(classes), ordered=False),
    }[name]


def with_levels(records: Sequence[Record], target: Target) -> tuple[list[Record], list[int]]:
    """The gradable records that have a class of the target, and the classes. Raises DataError without any."""
    found = [(record, level) for record in records if record.gradable and (level := target.level(record)) is not None]
    if not found:
        raise DataError(f"none of these {len(records)} photographs has a {target.name} to learn")
    return [record for record, _ in found], [level for _, level in found]
