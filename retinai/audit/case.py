"""One photograph as the metrics meet it: read once, with all that is true of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fusion.audit.nulls import Peer
from fusion.audit.truth import Truth, truth_of
from retinai.audit.photographs import Item
from retinai.lesions import SEGMENTED
from retinai.pipeline import Pipeline, Reading
from retinai.readers.record import Record, read_mask
from retinai.types import Explanation, FundusImage


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """truth: None without masks; reading: what the audited pipeline made of the photograph; peers: the truth of every photograph with
    masks, this one included; other: reads another photograph of the audit, the next one of its kind; keep: takes pictures, name ->
    (H, W, 3) RGB uint8, that a metric made of the photograph and that somebody may want to look at."""

    item: Item
    image: FundusImage
    reading: Reading
    pipeline: Pipeline
    truth: Truth | None
    peers: Sequence[Peer]
    other: Callable[[], FundusImage]
    keep: Callable[[Mapping[str, NDArray[np.uint8]]], None] = lambda pictures: None

    @property
    def own(self) -> Peer:
        """This photograph's own truth without its pixels."""
        return next(peer for peer in self.peers if peer.name == self.item.name)

    @property
    def others(self) -> list[Peer]:
        return [peer for peer in self.peers if peer.name != self.item.name]


def cited_ids(explanation: Explanation) -> set[str]:
    """The lesions that stand behind any printed sentence: of the evidence, or of a claim that was kept."""
    kept = [claim.evidence for claim in (explanation.answer.claims if explanation.answer else ()) if claim.kept]
    return {name for ids in [*kept, *(item.lesions for item in explanation.evidence)] for name in ids}


def read_truth(record: Record, image: FundusImage) -> Truth:
    """The truth of a photograph with masks."""
    return truth_of({code: read_mask(path) for code, path in record.masks.items() if code in SEGMENTED}, image)
