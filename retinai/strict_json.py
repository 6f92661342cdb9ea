"""JSON as it is defined: no NaN, no infinity, no number that becomes one, no nesting beyond what can be walked. Standard library only."""

from __future__ import annotations

import json
import math
from typing import Any


def loads(text: str | bytes) -> Any:
    """The value of a JSON text, UTF-8 where it is bytes. Raises ValueError for anything else, however it is broken."""
    try:
        return json.loads(text.decode("utf-8") if isinstance(text, bytes) else text, parse_constant=_refuse, parse_float=_finite)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def dumps(value: Any, indent: int | None = None, sort_keys: bool = False) -> str:
    """JSON text. Raises ValueError for a value that has none, such as NaN."""
    return json.dumps(value, indent=indent, sort_keys=sort_keys, allow_nan=False)


def without_nan(value: Any) -> Any:
    """The value with None for every figure that is not a number, such as the precision of a class that no photograph shows."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: without_nan(each) for key, each in value.items()}
    return [without_nan(each) for each in value] if isinstance(value, list | tuple) else value


def _refuse(word: str) -> float:
    raise ValueError(f"{word} is no number in JSON")


def _finite(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise ValueError(f"{digits[:20]} is too large for a number")
    return value
