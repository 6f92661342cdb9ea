"""A model server that misbehaves, on this machine: each kind ends in time, in bounded memory and in one line."""

from __future__ import annotations

import gzip
import json
import math
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from drawn import draw_fundus
from standin import completion, standing_in, token

from retinai.errors import ServerError
from retinai.image import fundus_image
from retinai.types import FundusImage
from vlm.exchange import MOST_BYTES
from vlm.reply import MOST_LETTERS, plain, short
from vlm.serve import ServedVlm

GOOD = completion([token("Grade"), token(": "), token("2", 0.8, _1=0.2), token(".")])
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
Speak = Callable[[socket.socket], None]


@pytest.fixture(scope="module")
def photograph() -> FundusImage:
    return fundus_image(draw_fundus(seed=3)[0], "p")


@contextmanager
def speaking(speak: Speak) -> Iterator[str]:
    """The address of a server that reads a request and then says what it likes, byte by byte."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        threading.Thread(target=_serve, args=(door, speak), daemon=True).start()
        yield f"http://127.0.0.1:{door.getsockname()[1]}/v1"


def _serve(door: socket.socket, speak: Speak) -> None:
    while True:
        try:
            line, _ = door.accept()
        except OSError:
            return
        with line:
            try:
                line.settimeout(5)
                while line.recv(2**20)[-1:] not in (b"}", b""):
                    pass
                speak(line)
            except OSError:
                pass


def _drip(start: bytes, drop: bytes) -> Speak:
    def speak(line: socket.socket) -> None:
        line.sendall(start)
        for _ in range(3000):  # a minute, unless it is cut off
            line.sendall(drop)
            time.sleep(0.02)

    return speak


def _flood(start: bytes, piece: bytes) -> Speak:
    def speak(line: socket.socket) -> None:
        line.sendall(start)
        for _ in range(3 * MOST_BYTES // 2**16):
            line.sendall(piece)

    return speak


def ask(url: str, photograph: FundusImage, seconds: float = 0.4) -> str:
    """The one line in which the question ends."""
    model = ServedVlm.at(f"{url}#m", timeout_s=seconds, pause=lambda _: None)
    begun = time.monotonic()
    with pytest.raises(ServerError) as caught:
        model.answer([photograph])
    assert time.monotonic() - begun < 30  # on a machine with much else to do
    text = str(caught.value)
    assert text.isprintable() and len(text) < 500 and url in text
    return text.replace(url, "URL")


@pytest.mark.parametrize(
    ("speak", "words"),
    [
        (_drip(HEAD + b"Content-Length: 100000\r\n\r\n{", b" "), "URL began to answer and did not end within 0.4 s"),
        (_drip(HEAD + b"\r\n{", b" "), "URL began to answer and did not end within 0.4 s"),  # without a length
        (_drip(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"), "URL began to answer and did not end within 0.4 s"),
        (_drip(HEAD, b"X: y\r\n"), "URL did not answer within 0.4 s (tried 3 times)"),  # the headers never end
        (_drip(b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"), "URL did not answer within 0.4 s (tried 3 times)"),
        (_drip(b"", b""), "URL did not answer within 0.4 s (tried 3 times)"),
    ],
)
def test_an_answer_that_never_ends_is_cut_off(photograph: FundusImage, speak: Speak, words: str) -> None:
    with speaking(speak) as url:
        assert ask(url, photograph) == words


@pytest.mark.parametrize(
    "speak",
    [
        _flood(HEAD + b"\r\n", b" " * 2**16),
        _flood(HEAD + b"Content-Length: 99999999999\r\n\r\n", b" " * 2**16),
        _flood(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"10000\r\n" + b" " * 2**16 + b"\r\n"),
    ],
)
def test_an_answer_without_end_is_cut_off_by_its_size(photograph: FundusImage, speak: Speak) -> None:
    with speaking(speak) as url:
        assert ask(url, photograph, 20) == "URL answered with more than 8 MB"


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (HEAD + b"Content-Length: 900\r\n\r\n{}", "cannot reach URL: "),
        (b"", "cannot reach URL: Remote end closed connection without response"),
        (b"SSH-2.0-OpenSSH_9\r\n\r\n", "cannot reach URL: SSH-2.0-OpenSSH_9"),
        (b"HTTP/1.1 999999 \x1b[2J\r\n\r\n", "cannot reach URL: "),
        (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000 + b"\r\n\r\n", "cannot reach URL: got more than 65536 bytes"),
        (b"HTTP/1.1 302 Found\r\nLocation: http://evil/\x1b]0;x\x07\r\n\r\n", "URL redirects to http://evil/]0;x; photographs are sent to"),
        (b"HTTP/1.1 301 Moved\r\n\r\n", "URL redirects to nowhere"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", "URL answered 204 No Content"),
        (b"HTTP/1.1 400 \x1b[31mBad\r\n\r\n\x1b[2J\xff no", "URL answered 400 [31mBad: [2J\ufffd no"),
        (
            HEAD + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(bytes(10**7)),
            "URL answered in an encoding that was not asked for: gzip",
        ),
        (HEAD + b"\r\n" + json.dumps(GOOD).encode("utf-16"), "URL answered in another character set than UTF-8"),
        (HEAD + b'\r\n{"choices": "\xe4"}', "URL answered in another character set than UTF-8"),
        (HEAD + b"\r\n" + b'{"a":' * 100_000, "URL answered with something that is no JSON: it is nested too deeply"),
        (HEAD + b'\r\n{"a": NaN}', "URL answered with something that is no JSON: NaN is no number in JSON"),
        (HEAD + b'\r\n{"a": 1e999}', "URL answered with something that is no JSON: 1e999 is too large for a number"),
        (HEAD + b'\r\n{"a": ' + b"9" * 5000 + b"}", "URL answered with something that is no JSON: Exceeds the limit"),
        (HEAD + b"\r\n<html>\x1b[2J", "URL answered with something that is no JSON: Expecting value"),
        (HEAD + b"\r\n[]", "URL gave no chat completion: []"),
        (HEAD + b'\r\n{"choices": {"0": 1}}', "URL gave no chat completion: "),
        (HEAD + b'\r\n{"choices": [7]}', "URL gave no chat completion: "),
        (HEAD + b'\r\n{"choices": ["\\u001b[2J"]}', "URL gave no chat completion: "),
    ],
)
def test_what_is_no_answer_is_one_line(photograph: FundusImage, said: bytes, words: str) -> None:
    with speaking(lambda line: line.sendall(said)) as url:
        assert ask(url, photograph, 20).startswith(words)


def spoiled(content: Any, **changes: Any) -> dict[str, Any]:
    """A chat completion with another content, and other entries beside it."""
    choice = GOOD["choices"][0] | {"message": {"role": "assistant", "content": content}} | changes
    return {"choices": [choice]}


def _row(logprob: Any) -> dict[str, Any]:
    return {"token": "grade 2", "logprob": logprob, "top_logprobs": [{"token": "2", "logprob": logprob}]}


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (spoiled(7), "URL gave no chat completion: its content is 7, not text"),
        (spoiled([{"type": "text", "text": "Grade: 2."}]), "URL gave no chat completion: its content is ["),
        (spoiled("x" * (MOST_LETTERS + 1)), "URL gave an answer of 20,001 letters; at most 20,000 are read"),
        (spoiled("Grade: 2.", logprobs="many"), "URL gave no logprobs"),
        (spoiled("Grade: 2.", logprobs={"content": "many"}), "URL gave logprobs of another form"),
        (spoiled("Grade: 2.", logprobs={"content": [7]}), "URL gave logprobs of another form"),
        (spoiled("Grade: 2.", logprobs={"content": [token("x")] * 5000}), "URL gave logprobs of another form"),
        (spoiled("Grade: 2.", logprobs={"content": [_row(800)]}), "URL gave logprobs of another form"),
        (spoiled("Grade: 2.", logprobs={"content": [_row(0.1)]}), "URL gave logprobs of another form"),
        (spoiled("Grade: 2.", logprobs={"content": [_row("0")]}), "URL gave logprobs of another form"),
    ],
)
def test_content_of_a_wrong_type_is_one_line(photograph: FundusImage, reply: Any, words: str) -> None:
    with standing_in(lambda *_: (200, reply)) as server:
        assert ask(server.url, photograph, 20).startswith(words)


def test_the_words_carry_nothing_that_moves_a_cursor(photograph: FundusImage) -> None:
    wild = "Grade: 2.\x1b[2J\x1b]0;GRADE 0\x07 One\u202e \ud800haemorrhage\u200b.\r\n\tEnd\x00."
    with standing_in(lambda *_: (200, spoiled(wild))) as server:
        (answer,) = ServedVlm.at(f"{server.url}#m").answer([photograph])
    assert answer.text == "Grade: 2.[2J]0;GRADE 0 One haemorrhage.\n\tEnd."
    assert answer.grade is not None and math.isclose(sum(answer.grade.probs), 1)
    answer.text.encode("utf-8")


def test_a_word_of_the_server_is_shortened_before_it_is_cleaned() -> None:
    assert short("a\x1bb\n c" + "d" * 10**6) == "ab c" + "d" * 193 + "..."
    assert plain("ä\tz\u0301\n") == "ä\tz\u0301\n"
