"""Ask a model on an OpenAI-compatible server (vLLM and others): `openai:URL#MODEL`, where URL ends in /v1.

Photographs of patients go to that URL and nowhere else: proxies are not used and redirects are refused. What is
sent is the retina, cropped and padded to a square, as JPEG, without its file's name or metadata. A key, where
the server wants one, is read from the environment variable RETINAI_SERVER_KEY.
"""

from __future__ import annotations

import base64
import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from http.client import HTTPException
from typing import Any
from urllib.parse import urlsplit

import cv2

from retinai.errors import ServerError, UsageError
from retinai.fit import Fit
from retinai.types import FundusImage, Grade
from vlm.generate import Answer
from vlm.logprobs import grade_probs
from vlm.parse import parse_answer
from vlm.prompts import PROMPTS

KEY = "RETINAI_SERVER_KEY"
SIDE = 672
"""Of the square that is sent, px: twice what LLaVA-1.5 sees, so that its own resampling hides the JPEG's blocks."""
_QUALITY = 95
_TOGETHER = 4  # requests under way at once, which a batching server answers at little more than the price of one
_PAUSES = (1.0, 4.0)  # s, before the second and the third try
_BUSY = (408, 429, 500, 502, 503, 504)
_MOST_BYTES = 2**24


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect)


@dataclass(frozen=True)
class ServedVlm:
    """url: the server's base, such as http://gpu:8000/v1; model: a name that it serves; tokens: the longest answer;
    timeout_s: for one answer; pause: how to wait between tries."""

    url: str
    model: str
    prompt: str = PROMPTS[0]
    tokens: int = 256
    timeout_s: float = 120.0
    pause: Callable[[float], None] = time.sleep

    @classmethod
    def at(cls, address: str, **settings: Any) -> ServedVlm:
        """From 'URL#MODEL'. Raises UsageError where it is not of that form."""
        url, _, model = address.partition("#")
        if not _is_url(url) or not model:
            raise UsageError(f"openai:{address} is not openai:URL#MODEL, such as openai:http://localhost:8000/v1#retinai")
        return cls(url.rstrip("/"), model, **settings)

    def answer(self, images: Sequence[FundusImage], prompt: str | None = None) -> list[Answer]:
        """One answer per photograph, in order; `gradable` is 0 or 1, as the words have it, since a server tells no chance.

        prompt: what is asked instead of `self.prompt`.

        Raises ServerError where the server does not answer as agreed.
        """
        with ThreadPoolExecutor(_TOGETHER) as pool:
            return list(pool.map(partial(self._answer, prompt=prompt or self.prompt), images))

    def _answer(self, image: FundusImage, prompt: str) -> Answer:
        reply = self._post("/chat/completions", request_body(image, self.model, prompt, self.tokens))
        text, tokens = self._first_choice(reply)
        parsed = parse_answer(text)
        return Answer(self._grade(tokens), text, parsed.malformed, float(not parsed.ungradable))

    def _grade(self, tokens: Any) -> Grade | None:
        """The grade that the words give, with the probabilities that the server gives for it."""
        try:
            found = grade_probs(tokens)
        except (KeyError, TypeError, AttributeError, ValueError, OverflowError):
            raise ServerError(f"{self.url} gave logprobs of another form than OpenAI's chat completions have") from None
        return Grade(*found, f"openai:{self.model}") if found else None

    def _first_choice(self, reply: Any) -> tuple[str, Any]:
        """The words of an answer and `logprobs.content`."""
        try:
            choice = reply["choices"][0]
            text, logprobs = choice["message"]["content"], choice.get("logprobs")
        except (KeyError, IndexError, TypeError):
            raise ServerError(f"{self.url} gave no chat completion: {_short(json.dumps(reply))}") from None
        if not isinstance(logprobs, dict) or not logprobs.get("content"):
            raise ServerError(f"{self.url} gave no logprobs, without which a grade has no probabilities (vLLM: --max-logprobs 20)")
        return text or "", logprobs["content"]

    def _post(self, path: str, body: dict[str, Any]) -> Any:
        """The JSON that the server answers, after up to three tries."""
        for pause in (*_PAUSES, None):
            try:
                return self._post_once(path, body)
            except _Busy as busy:
                if pause is None:
                    raise ServerError(f"{busy} (tried {len(_PAUSES) + 1} times)") from None
                self.pause(pause)

    def _post_once(self, path: str, body: dict[str, Any]) -> Any:
        request = urllib.request.Request(self.url + path, json.dumps(body).encode(), {"Content-Type": "application/json"})
        if key := os.environ.get(KEY):
            request.add_header("Authorization", f"Bearer {key}")
        try:
            with _OPENER.open(request, timeout=self.timeout_s) as response:
                return json.loads(response.read(_MOST_BYTES))
        except urllib.error.HTTPError as error:
            with error:
                raise _refusal(self.url, error) from None
        except TimeoutError:
            raise _Busy(f"{self.url} did not answer within {self.timeout_s:g} s") from None
        except (OSError, HTTPException) as error:
            raise _Busy(f"cannot reach {self.url}: {getattr(error, 'reason', error)}") from None
        except ValueError:
            raise ServerError(f"{self.url} answered with something that is no JSON") from None


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


class _Busy(Exception):
    """A failure that may pass."""


def _refusal(url: str, error: urllib.error.HTTPError) -> Exception:
    """What an HTTP error means, with the server's own words."""
    if 300 <= error.code < 400:
        return ServerError(f"{url} redirects to {error.headers.get('Location')}; photographs are sent to the given address only")
    words = _short(error.read(2000).decode(errors="replace"))
    text = f"{url} answered {error.code} {error.reason}" + (f": {words}" if words else "")
    return _Busy(text) if error.code in _BUSY else ServerError(text)


def _short(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= 200 else words[:197] + "..."


def request_body(image: FundusImage, model: str, prompt: str, tokens: int) -> dict[str, Any]:
    """A chat completion of one photograph and one question: greedy, with the twenty likeliest tokens at every place."""
    content = [{"type": "image_url", "image_url": {"url": data_url(image)}}, {"type": "text", "text": prompt}]
    return {
        "model": model,
        "messages": [{"role": "user", "content": content}],
        "temperature": 0,
        "max_tokens": tokens,
        "logprobs": True,
        "top_logprobs": 20,
    }


def data_url(image: FundusImage) -> str:
    """The retina, fitted into a square, as a JPEG in a data URL."""
    square = Fit.of(image.field, SIDE).apply(image.pixels)
    _, jpeg = cv2.imencode(".jpg", cv2.cvtColor(square, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    return "data:image/jpeg;base64," + base64.b64encode(jpeg.tobytes()).decode()
