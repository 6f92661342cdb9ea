"""A YAML file and `key=value` words -> a validated config. Unknown keys are refused, with the valid ones listed."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from retinai.errors import ConfigError


class Config(BaseModel):
    """The base of every config: frozen, and strict about names. A field's description is its help."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


C = TypeVar("C", bound=Config)


def load_config(kind: type[C], path: Path | None = None, overrides: Iterable[str] = ()) -> C:
    """Read `path`, apply `key=value` and `part.key=value` overrides (values are YAML), validate as `kind`.

    Raises ConfigError with one line that names the key, what is wrong with it and the valid keys.
    """
    values = _read_yaml(path) if path else {}
    for word in overrides:
        key, equals, text = word.partition("=")
        if not equals:
            raise ConfigError(f"{word!r} is not key=value")
        _put(values, key, yaml.safe_load(text))
    try:
        return kind(**values)
    except ValidationError as error:
        raise ConfigError(_one_line(kind, error)) from None


def _put(values: dict[str, Any], key: str, value: Any) -> None:
    """Set 'epochs', or 'nano.unet' within 'nano'. Raises ConfigError where what stands there has no keys."""
    *parts, last = key.split(".")
    for part in parts:
        if values.get(part) is None:
            values[part] = {}
        values = values[part]
        if not isinstance(values, dict):
            raise ConfigError(f"{key}: {part} has no keys (it is {values!r})")
    values[last] = value


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        values = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"no config at {path}: {error.strerror}") from None
    except yaml.YAMLError as error:
        raise ConfigError(f"{path} is no YAML: {' '.join(str(error).split())}") from None
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise ConfigError(f"{path} must hold keys and values, not a {type(values).__name__}")
    return values


def _one_line(kind: type[Config], error: ValidationError) -> str:
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        return f"unknown key {key!r}; valid keys: {', '.join(sorted(_within(kind, first['loc'][:-1]).model_fields))}"
    return f"{key}: {first['msg']} (got {first.get('input')!r})"


def _within(kind: type[BaseModel], parts: Iterable[int | str]) -> type[BaseModel]:
    """The model that stands at `parts`."""
    for part in parts:
        annotation = kind.model_fields[str(part)].annotation
        found = [each for each in (annotation, *get_args(annotation)) if isinstance(each, type) and issubclass(each, BaseModel)]
        kind = found[0]
    return kind
