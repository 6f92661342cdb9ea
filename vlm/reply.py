"""What a model server answered, held to be hostile: strict JSON of the form that was agreed, and words without control characters."""

from __future__ import annotations

import unicodedata
from typing import Any

from retinai.errors import ServerError
from retinai.strict_json import dumps, loads
from vlm.exchange import Response

MOST_LETTERS = 20_000
"""Of an answer. 256 tokens are about 1,500."""
_MOST_TOKENS = 4096
_CONTROL = frozenset(("Cc", "Cf", "Cs", "Zl", "Zp"))


def parse_reply(response: Response, url: str) -> Any:
    """The JSON of an answer. Raises ServerError for anything else, NaN and numbers that overflow among it."""
    packed = response.headers.get("content-encoding", "identity").lower()
    if packed not in ("identity", ""):
        raise ServerError(f"{url} answered in an encoding that was not asked for: {short(packed)}")
    try:
        return loads(response.body)
    except UnicodeDecodeError:
        raise ServerError(f"{url} answered in another character set than UTF-8") from None
    except ValueError as error:
        raise ServerError(f"{url} answered with something that is no JSON: {short(str(error))}") from None


def first_choice(reply: Any, url: str) -> tuple[str, list[Any]]:
    """The words of an answer, cleaned, and `logprobs.content`. Raises ServerError."""
    try:
        choice = reply["choices"][0]
        text, logprobs = choice["message"]["content"], choice.get("logprobs")
    except (LookupError, TypeError, AttributeError):
        raise ServerError(f"{url} gave no chat completion: {_shown(reply)}") from None
    if not isinstance(text, str | None):
        raise ServerError(f"{url} gave no chat completion: its content is {_shown(text)}, not text")
    tokens = logprobs.get("content") if isinstance(logprobs, dict) else None
    if not tokens:
        raise ServerError(f"{url} gave no logprobs, without which a grade has no probabilities (vLLM: --max-logprobs 20)")
    if not isinstance(tokens, list) or len(tokens) > _MOST_TOKENS:
        raise ServerError(f"{url} gave logprobs of another form than OpenAI's chat completions have")
    if text is not None and len(text) > MOST_LETTERS:
        raise ServerError(f"{url} gave an answer of {len(text):,} letters; at most {MOST_LETTERS:,} are read")
    return plain(text or ""), tokens


def plain(text: str) -> str:
    """The text without what moves a cursor, turns the direction of writing or cannot be written; line breaks and tabs stay."""
    return "".join(letter for letter in text if letter in "\n\t" or unicodedata.category(letter) not in _CONTROL)


def short(text: str) -> str:
    """At most 200 letters on one line."""
    words = " ".join(plain(text[:2000]).split())
    return words if len(words) <= 200 else words[:197] + "..."


def _shown(value: Any) -> str:
    try:
        return short(dumps(value))
    except (ValueError, RecursionError):
        return "something that cannot be shown"
