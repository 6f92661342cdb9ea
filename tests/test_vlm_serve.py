"""The client of OpenAI-compatible servers, against a small stand-in that speaks the protocol."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
import pytest
from drawn import draw_fundus
from standin import StandIn, completion, standing_in, token

from retinai.errors import ServerError, UsageError
from retinai.graders import Options, load_grader
from retinai.image import fundus_image
from retinai.types import FundusImage
from vlm.logprobs import grade_probs
from vlm.serve import KEY, SIDE, ServedVlm, data_url

WORDS = (" severe", " non", "-", "prolifer", "ative", " diabetic", " retin", "opathy", ".")
GRADE_3 = [token("Grade"), token(":"), token(" "), token("3", 0.7, _2=0.2, _4=0.06, _1=0.03, _0=0.01), token(".")]
GOOD = completion(GRADE_3 + [token(word) for word in (" The", " photograph", " shows", *WORDS)])


@pytest.fixture
def server() -> Iterator[StandIn]:
    with standing_in(lambda *_: (200, GOOD)) as server:
        yield server


@pytest.fixture
def photograph() -> FundusImage:
    return fundus_image(draw_fundus(seed=3)[0], "Jane_Doe_1961")


def at(server: StandIn, **settings: Any) -> ServedVlm:
    return ServedVlm.at(f"{server.url}#retinai", **({"pause": lambda _: None} | settings))


def test_an_answer_has_grade_probabilities_and_text(server, photograph):
    (answer,) = at(server).answer([photograph])
    assert answer.grade is not None and (answer.grade.level, answer.grade.source) == (3, "openai:retinai")
    assert answer.grade.probs == pytest.approx((0.01, 0.03, 0.2, 0.7, 0.06))
    assert answer.text == "Grade: 3. The photograph shows severe non-proliferative diabetic retinopathy."
    assert (answer.malformed, answer.gradable) == (False, 1.0)


def test_what_is_asked_for(server, photograph):
    at(server).answer([photograph])
    path, body, headers = server.seen[0]
    picture, question = body["messages"][0]["content"]
    assert (path, body["model"], body["temperature"]) == ("/v1/chat/completions", "retinai", 0)
    assert (body["logprobs"], body["top_logprobs"]) == (True, 20)
    assert picture["image_url"]["url"].startswith("data:image/jpeg;base64,")
    assert "from 0 to 4" in question["text"]
    assert "Jane" not in json.dumps(body) + json.dumps(headers)
    assert "Authorization" not in headers


def test_the_whole_retina_is_sent_in_a_square(photograph):
    jpeg = base64.b64decode(data_url(photograph).partition(",")[2])
    picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None and picture.shape == (SIDE, SIDE, 3)
    lit = picture.max(axis=2) > 40
    assert lit[SIDE // 2, 4] and lit[SIDE // 2, -5] and lit[4, SIDE // 2] and lit[-5, SIDE // 2]  # touches every side
    centre = picture[SIDE // 2, SIDE // 2].astype(int)
    assert centre[2] > centre[1] > centre[0]  # orange: red is not blue


def test_the_key_comes_from_the_environment(server, photograph, monkeypatch):
    monkeypatch.setenv(KEY, "open sesame")
    at(server).answer([photograph])
    assert server.seen[0][2]["Authorization"] == "Bearer open sesame"


def test_answers_keep_the_order_of_the_photographs(server, photograph):
    images = [fundus_image(draw_fundus(seed=seed)[0], f"p{seed}") for seed in range(4)]
    order = {data_url(image): i for i, image in enumerate(images)}

    def late_for_the_first(body: dict[str, Any], _: Any) -> tuple[int, Any]:
        level = order[body["messages"][0]["content"][0]["image_url"]["url"]]
        time.sleep(0.1 if level == 0 else 0)
        return 200, completion([token("Grade"), token(": "), token(str(level), 0.9), token(".")])

    server.replies = late_for_the_first
    levels = [answer.grade.level for answer in at(server).answer(images) if answer.grade]
    assert levels == [0, 1, 2, 3]
    assert at(server).answer([]) == []


def test_an_answer_without_a_grade_is_no_error(server, photograph):
    server.replies = lambda *_: (200, completion([token("Grade"), token(":"), token(" none"), token("."), token(" Too dark.")]))
    (refused,) = at(server).answer([photograph])
    assert (refused.grade, refused.malformed, refused.gradable) == (None, False, 0.0)
    server.replies = lambda *_: (200, completion([token("I cannot tell.")]))
    (lost,) = at(server).answer([photograph])
    assert (lost.grade, lost.malformed, lost.gradable) == (None, True, 1.0)


def test_another_wording_is_read_as_far_as_it_goes_and_called_malformed(server, photograph):
    server.replies = lambda *_: (200, completion([token("**ICDR"), token(" grade"), token(" is"), token(" 1", 0.5, _1=0.3, _2=0.2)]))
    (answer,) = at(server).answer([photograph])
    assert answer.malformed and answer.grade is not None and answer.grade.level == 1
    assert answer.grade.probs[1] == pytest.approx(0.8)


def test_a_busy_server_is_asked_again(server, photograph):
    states = iter([(503, {"error": "loading"}), (429, {}), (200, GOOD)])
    pauses: list[float] = []
    server.replies = lambda *_: next(states)
    assert at(server, pause=pauses.append).answer([photograph])[0].grade is not None
    assert pauses == [1.0, 4.0]


@pytest.mark.parametrize(
    ("reply", "text", "tries"),
    [
        ((500, b"CUDA out\nof memory"), r"answered 500 Internal Server Error: CUDA out of memory \(tried 3 times\)", 3),
        ((404, {"message": "no model retinai"}), "answered 404 Not Found: .*no model retinai", 1),
        ((401, {}), "answered 401 Unauthorized", 1),
        ((302, {}), "redirects to http://elsewhere.example/v1; photographs are sent to the given address only", 1),
        ((200, b"<html>hello</html>"), "something that is no JSON", 1),
        ((200, {"choices": []}), "gave no chat completion: ", 1),
        ((200, {"choices": [{"message": {"content": "Grade: 2."}}]}), "gave no logprobs", 1),
        ((200, completion([{"token": "Grade: 2", "logprob": 0.0, "top_logprobs": []}])), "logprobs of another form", 1),
        ((200, completion([{"token": "Grade: 2", "logprob": None, "top_logprobs": [{"token": "2"}]}])), "logprobs of another form", 1),
    ],
)
def test_every_failure_is_one_line(server, photograph, reply, text, tries):
    server.replies = lambda *_: reply
    with pytest.raises(ServerError, match=text) as caught:
        at(server).answer([photograph])
    assert server.url in str(caught.value) and "\n" not in str(caught.value)
    assert len(server.seen) == tries


def test_a_silent_and_an_absent_server(server, photograph):
    released = threading.Event()
    server.replies = lambda *_: (released.wait(5), (200, GOOD))[1]
    with pytest.raises(ServerError, match=r"did not answer within 0.1 s \(tried 3 times\)"):
        at(server, timeout_s=0.1).answer([photograph])
    released.set()
    with pytest.raises(ServerError, match=r"cannot reach http://127\.0\.0\.1:1/v1"):
        ServedVlm.at("http://127.0.0.1:1/v1#m", pause=lambda _: None).answer([photograph])


def test_proxies_are_not_used(server, photograph, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "")
    assert at(server).answer([photograph])[0].grade is not None


@pytest.mark.parametrize(
    "address",
    ["", "http://host/v1", "http://host:99999/v1#m", "http://host:x/v1#m", "ftp://host#m", "host:8000#m", "http://#m", "http://[::1#m"],
)
def test_a_wrong_address_is_refused(address):
    with pytest.raises(UsageError, match="is not openai:URL#MODEL"):
        ServedVlm.at(address)


def test_missing_grades_get_what_the_listed_ones_leave():
    tokens = [token("Grade: "), token("2", 0.7, s2=0.05, _3=0.2, x=0.01)]
    found = grade_probs(tokens)
    assert found is not None and found[0] == 2
    assert found[1] == pytest.approx(np.array([0.01, 0.01, 0.75, 0.2, 0.01]) / 0.98)
    certain = grade_probs([token("Grade: "), token("4")])
    assert certain == (4, (0, 0, 0, 0, 1))


@pytest.mark.parametrize("text", ["", "No grade.", "Grade: 10.", "Grade: 7.", "There are 3 haemorrhages."])
def test_no_grade_is_none(text):
    assert grade_probs([token(letter) for letter in text]) is None


def test_the_grader_on_a_server(server, photograph):
    grader = load_grader(f"openai:{server.url}#retinai")
    assert grader.identity == {"name": f"openai:{server.url}#retinai"}
    assert grader.grade([]) == [] and grader.grade([photograph])[0].grade is not None
    server.replies = lambda *_: (200, completion([token("Grade"), token(":"), token(" none"), token(".")]))
    assert grader.grade([photograph])[0].reason == "said to be ungradable"
    with pytest.raises(UsageError, match="runs on a server"):
        load_grader(f"openai:{server.url}#retinai", Options(load_4bit=True))
