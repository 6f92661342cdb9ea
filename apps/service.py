"""What all sessions of one server share: the models, loaded once, and the line before them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from apps.cases import Case, Upload, read_case, turned_away
from apps.feedback import Store
from apps.queue import Line
from apps.session import Door
from apps.settings import Settings
from retinai.pipeline import Pipeline


@dataclass(frozen=True, slots=True, eq=False)
class Service:
    """pipeline: the models; store: where second readers' opinions go; line: one photograph at a time; entrance: the line before the
    quality gate, which asks no model."""

    pipeline: Pipeline
    store: Store
    line: Line = field(default_factory=Line)
    entrance: Line = field(default_factory=Line)

    @property
    def door(self) -> Door:
        """What turns a photograph away before it waits for a model."""
        return Door(self.entrance, partial(turned_away, self.pipeline))

    def read(self, upload: Upload) -> Case:
        """Read one photograph; called by the line's thread alone."""
        return read_case(self.pipeline, upload)


def load_service(settings: Settings) -> Service:
    """Load the models. Raises WeightsError, MissingModelError or UsageError where one cannot be had."""
    from retinai.talk import FOUR_BITS, load_talker

    adapter = Path(settings.adapter) if settings.adapter else None
    talker = load_talker(settings.vlm, adapter, FOUR_BITS[settings.load_4bit], settings.device)
    weights = Path(settings.weights) if settings.weights else None
    return Service(Pipeline.load(weights, settings.device, talker, second=settings.second), Store(Path(settings.feedback)))
