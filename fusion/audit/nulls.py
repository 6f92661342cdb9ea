"""Reports that know nothing of the photograph: what a cheat would write, to be beaten by whoever looks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fusion.audit.claims import DENIAL, DENY, OTHER, TEMPLATE
from fusion.audit.counts import CELLS, Counts, counts_of, occupied
from fusion.audit.figures import ORACLE
from fusion.audit.texts import Text, raw_text, read_sentences, written
from fusion.audit.truth import Truth
from fusion.regions import QUADRANTS
from retinai.lesions import CLASSES, LESIONS


@dataclass(frozen=True, slots=True, eq=False)
class Peer:
    """What is true of one photograph, without its pixels. level: the grade that the drawn lesions fit; text: the report written from the
    masks; counts: (16,) by class and quadrant; fields: (36,) ETDRS fields with lesions; present: lesion classes; placed: whether the
    fovea was found, without which there are no quadrants and fields."""

    name: str
    level: int
    text: Text
    counts: Counts
    fields: NDArray[np.bool_]
    present: tuple[str, ...]
    placed: bool


def peer_of(name: str, truth: Truth) -> Peer:
    """What is kept of a photograph's truth for the others."""
    fields = occupied(truth.regions, truth.landmarks)
    text = written(truth.facts.evidence)
    placed = truth.landmarks.fovea is not None and truth.landmarks.eye is not None
    return Peer(name, truth.facts.interval.visible, text, counts_of(truth.facts.lesions), fields, truth.present, placed)


def references(own: Peer, others: Sequence[Peer]) -> Iterator[tuple[str, Text]]:
    """Source and text for one photograph: the oracle's, the denial, the most frequent report, one of the same grade where there is one."""
    yield ORACLE, own.text
    yield DENY, raw_text(DENIAL)
    if others:
        yield TEMPLATE, template(others)
    if (other := same_grade(own, others)) is not None:
        yield OTHER, other.text


def template(peers: Sequence[Peer]) -> Text:
    """The most frequent report: each class as most photographs have it, each quadrant likewise; no counts, which would mostly be wrong."""
    return read_sentences(_majority(peers))


def _majority(peers: Sequence[Peer]) -> Iterator[str]:
    placed = [peer.counts > 0 for peer in peers if peer.placed]
    there = np.mean(placed, axis=0) >= 0.5 if placed else np.zeros(len(CELLS), np.bool_)
    for code in LESIONS:
        plural = CLASSES[code].plural
        if np.mean([code in peer.present for peer in peers]) < 0.5:
            yield f"No {plural} were found."
            continue
        yield f"There are {plural}."
        for quadrant in QUADRANTS:
            if there[CELLS.index((code, quadrant))]:
                yield f"There are {plural} in the {quadrant} quadrant."


def same_grade(own: Peer, others: Sequence[Peer]) -> Peer | None:
    """The next photograph of the same grade, in order of name and round the end; None without any."""
    equal = sorted((peer for peer in others if peer.level == own.level and peer.name != own.name), key=lambda peer: peer.name)
    later = [peer for peer in equal if peer.name > own.name]
    return (later or equal or [None])[0]
