"""Marks of the camera that were taken out of a photograph."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CameraMarks:
    """What was done about a camera's marks in one photograph. profile_sha256: of the profile that fits; strength: of its pattern, 1 as
    in the photographs it was learnt from; known: marks of the profile; divided: how many were taken out, 0 where the lens was clean."""

    profile_sha256: str
    strength: float
    known: int
    divided: int
