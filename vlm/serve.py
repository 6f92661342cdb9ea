"""Ask a model on an OpenAI-compatible server (vLLM and others): `openai:URL#MODEL`, where URL ends in /v1.

Photographs of patients go to that URL and nowhere else: proxies are not used and redirects are refused. What is
sent is the retina, cropped and padded to a square, as JPEG, without its file's name or metadata. A key, where
the server wants one, is read from the environment variable RETINAI_SERVER_KEY. What comes back is not trusted (see `vlm.reply`).
"""

from __future__ import annotations

import base64
import os
import time
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
from retinai.strict_json import dumps
from retinai.types import FundusImage, Grade
from vlm.exchange import OutOfTime, Response, TooLarge, post
from vlm.generate import Answer
from vlm.logprobs import grade_probs
from vlm.parse import parse_answer
from vlm.prompts import PROMPTS
from vlm.reply import first_choice, parse_reply, short

KEY = "RETINAI_SERVER_KEY"
SIDE = 672
"""Of the square that is sent, px: twice what LLaVA-1.5 sees, so that its own resampling hides the JPEG's blocks."""
_QUALITY = 95
_TOGETHER = 4  # requests under way at once, which a batching server answers at little more than the price of one
_PAUSES = (1.0, 4.0)  # s, before the second and the third try
_BUSY = (408, 429, 500, 502, 503, 504)


@dataclass(frozen=True)
class ServedVlm:
    """url: the server's base, such as http://gpu:8000/v1; model: a name that it serves; tokens: the longest answer;
    timeout_s: for one whole answer, however it comes; pause: how to wait between tries."""

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
        text, tokens = first_choice(reply, self.url)
        parsed = parse_answer(text)
        return Answer(self._grade(tokens), text, parsed.malformed, float(not parsed.ungradable))

    def _grade(self, tokens: Any) -> Grade | None:
        """The grade that the words give, with the probabilities that the server gives for it."""
        try:
            found = grade_probs(tokens)
        except (LookupError, TypeError, AttributeError, ValueError, OverflowError):
            raise ServerError(f"{self.url} gave logprobs of another form than OpenAI's chat completions have") from None
        if found and found[1][found[0]] < max(found[1]):
            raise ServerError(f"{self.url} says grade {found[0]} and gives another grade a higher probability")
        return Grade(*found, f"openai:{self.model}") if found else None

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
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if key := os.environ.get(KEY):
            headers["Authorization"] = f"Bearer {key}"
        try:
            response = post(self.url + path, dumps(body).encode(), headers, self.timeout_s)
        except OutOfTime as error:
            if error.begun:
                raise ServerError(f"{self.url} began to answer and did not end within {self.timeout_s:g} s") from None
            raise _Busy(f"{self.url} did not answer within {self.timeout_s:g} s") from None
        except TooLarge as error:
            raise ServerError(f"{self.url} answered with more than {error.most / 2**20:g} MB") from None
        except (OSError, HTTPException) as error:
            raise _Busy(f"cannot reach {self.url}: {short(str(error))}") from None
        if response.status != 200:
            raise _refusal(self.url, response)
        return parse_reply(response, self.url)


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


class _Busy(Exception):
    """A failure that may pass."""


def _refusal(url: str, response: Response) -> Exception:
    """What another status than 200 means, with the server's own words."""
    if 300 <= response.status < 400:
        where = short(response.headers.get("location", "nowhere"))
        return ServerError(f"{url} redirects to {where}; photographs are sent to the given address only")
    words = short(response.body[:2000].decode("utf-8", errors="replace"))
    text = f"{url} answered {response.status} {short(response.reason)}" + (f": {words}" if words else "")
    return _Busy(text) if response.status in _BUSY else ServerError(text)


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
