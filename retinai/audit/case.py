"""One photograph as the metrics meet it: read once, with all that is true of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from fusion.audit.nulls import Peer
from fusion.audit.truth import Truth, truth_of
from retinai.audit.photographs import Item
from retinai.lesions import SEGMENTED
from retinai.pipeline import Pipeline, Reading
from retinai.readers.record import Record, read_mask
from retinai.types import FundusImage


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """truth: None without masks; reading: what the audited pipeline made of the photograph; peers: the truth of every photograph with
    masks, this one included; other: reads another photograph of the audit, the next one of its kind."""

    item: Item
    image: FundusImage
    reading: Reading
    pipeline: Pipeline
    truth: Truth | None
    peers: Sequence[Peer]
    other: Callable[[], FundusImage]

    @property
    def own(self) -> Peer:
        """This photograph's own truth without its pixels."""
        return next(peer for peer in self.peers if peer.name == self.item.name)

    @property
    def others(self) -> list[Peer]:
        return [peer for peer in self.peers if peer.name != self.item.name]


def read_truth(record: Record, image: FundusImage) -> Truth:
    """The truth of a photograph with masks."""
    return truth_of({code: read_mask(path) for code, path in record.masks.items() if code in SEGMENTED}, image)
