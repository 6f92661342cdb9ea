"""RetinAI: a fundus photograph in, lesions and cited sentences out. Research use only, not a medical device.

    import retinai

    explanation = retinai.explain("photograph.jpg")
    print(explanation.text)

The names below are all that a user needs. Each is fetched when it is first asked for, so that `import retinai`
takes no time: torch loads with `explain`, and not before.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from retinai.errors import RetinaiError
    from retinai.pipeline import explain
    from retinai.types import (
        Evidence,
        Explanation,
        FundusImage,
        Grade,
        GradeInterval,
        Landmarks,
        Lesion,
        LesionMap,
        Place,
        Quality,
        SaliencyMap,
    )

__version__ = "0.1.0"

__all__ = [
    "Evidence",
    "Explanation",
    "FundusImage",
    "Grade",
    "GradeInterval",
    "Landmarks",
    "Lesion",
    "LesionMap",
    "Place",
    "Quality",
    "RetinaiError",
    "SaliencyMap",
    "__version__",
    "explain",
]

_ELSEWHERE = {"explain": "retinai.pipeline", "RetinaiError": "retinai.errors"}  # the rest are nouns, in retinai.types


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"retinai has no {name!r}; it has {', '.join(__all__)}")
    return getattr(import_module(_ELSEWHERE.get(name, "retinai.types")), name)
