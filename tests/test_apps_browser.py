"""The viewer in Chromium: a photograph in, its explanation, an opinion, every download; two people at once; and files that are none.

The models are drawn (`standin_detector.py`), everything else is the program as `retinai view` starts it.
"""

from __future__ import annotations

import io
import json
import re
import sys
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from browser import chromium, free_port, needs_chromium, served
from PIL import Image
from viewer_case import NAME, PHOTOGRAPH, black

from apps.feedback import Store

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

TESTS = Path(__file__).parent
PATIENCE_MS = 300_000
START = "import sys; from pathlib import Path; from apps.launch import launch; from apps.settings import Settings; "
START += "launch(Settings(feedback=sys.argv[2]), '127.0.0.1', int(sys.argv[1]), Path(sys.argv[3]))"


class Viewer:
    """A running viewer. outside: every address that its pages asked for elsewhere; blocked: what the browser says that it did not load."""

    def __init__(self, url: str, store: Store, browser: Browser) -> None:
        self.url, self.store, self.browser = url, store, browser
        self.outside: list[str] = []
        self.blocked: list[str] = []

    def open(self, **options: Any) -> Page:
        """A new person at the start page."""
        page = self.browser.new_context(viewport={"width": 1280, "height": 800}, **options).new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.on("request", self._note)
        page.on("console", lambda message: self.blocked.append(message.text) if "Content Security Policy" in message.text else None)
        page.goto(self.url)
        page.get_by_text("First time here?").wait_for()
        return page

    def _note(self, request: Any) -> None:
        if not request.url.startswith((self.url, "data:", "blob:", "ws:")):
            self.outside.append(request.url)


@pytest.fixture(scope="module")
def viewer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Viewer]:
    """Everything started once. Every photograph takes a second, so that a queue can be seen."""
    needs_chromium("the viewer")
    port, store = free_port(), Store(tmp_path_factory.mktemp("viewer") / "feedback.sqlite")
    words = [sys.executable, "-c", START, str(port), str(store.path), str(TESTS / "viewer_page.py")]
    with served(words, port, PATIENCE_MS / 1000, {"RETINAI_TEST_SLOW": "1"}) as url, chromium() as browser:
        yield Viewer(url, store, browser)


def bring(page: Page, data: bytes, kind: str = "image/jpeg") -> None:
    page.locator("input[type=file]").first.set_input_files({"name": NAME, "mimeType": kind, "buffer": data})


@pytest.fixture(scope="module")
def explained(viewer: Viewer) -> Page:
    """A real photograph, uploaded and explained."""
    page = viewer.open(accept_downloads=True)
    bring(page, PHOTOGRAPH.read_bytes())
    page.get_by_role("heading", name="Refer within 1 month. At least moderate").wait_for()
    page.wait_for_selector(".fundus[data-state=ready]")
    return page


def seen(page: Page) -> np.ndarray:
    """(h, w, 3): the picture once it rests."""
    page.wait_for_timeout(900)
    return np.asarray(Image.open(io.BytesIO(page.locator(".stage").screenshot())).convert("RGB"), np.int32)


def until(page: Page, true: Callable[[np.ndarray], Any]) -> None:
    """Look until the picture is so: a click goes to the server and back."""
    for _ in range(PATIENCE_MS // 1000):
        if true(seen(page)):
            return
    raise AssertionError("the picture did not come to rest as it should")


def test_a_photograph_gets_a_grade_and_outlines(explained: Page) -> None:
    assert explained.locator(".stage").get_attribute("aria-label") == "Fundus photograph with 8 lesions found. Press ? for the keys."
    blue = np.abs(seen(explained) - (20, 60, 230)).max(axis=2) < 40
    assert blue.sum() > 20, "the haemorrhages' outlines"
    assert explained.get_by_text("Needs review by a grader").first.is_visible()


def test_a_citation_flies_to_the_lesion_and_back(explained: Page) -> None:
    whole = seen(explained)
    link = explained.locator('a[href="#lesion-HE-1"]').first
    link.click()
    explained.locator(".fundus .status", has_text="HE-1").wait_for()
    until(explained, lambda picture: np.abs(picture - whole).mean() > 5)
    link.click()
    until(explained, lambda picture: np.abs(picture - whole).mean() < 1)


def colourful(picture: np.ndarray) -> float:
    """How far apart the channels of most pixels are."""
    return float(np.median(picture.max(axis=2) - picture.min(axis=2)))


def test_red_free_is_grey(explained: Page) -> None:
    explained.locator(".stage").focus()
    button = explained.get_by_role("button", name=re.compile("red-free", re.IGNORECASE)).first
    assert colourful(seen(explained)) > 30
    button.click()
    until(explained, lambda picture: colourful(picture) < 5)
    button.click()


def test_an_opinion_is_found_in_the_database(explained: Page, viewer: Viewer) -> None:
    explained.get_by_role("tab", name="Second reader").click()
    explained.get_by_text("I agree", exact=True).click()
    explained.get_by_role("button", name="Keep my opinion").click()
    explained.get_by_text("Kept: you agree with grade 2").wait_for()
    (row,) = viewer.store.grades()
    assert (row["verdict"], row["lesion_grade"], len(row["image_sha256"])) == ("agree", 2, 64)
    kept = b"".join(path.read_bytes() for path in viewer.store.path.parent.iterdir())
    assert b"Jane" not in kept


def download(page: Page, label: str) -> tuple[str, bytes]:
    with page.expect_download() as caught:
        page.get_by_role("button", name=label).click()
    return caught.value.suggested_filename, Path(caught.value.path()).read_bytes()


def test_every_download_opens(explained: Page) -> None:
    explained.get_by_role("tab", name="Downloads").click()
    name, report = download(explained, "Report of one page")
    assert (name, report[:5]) == ("case-1.pdf", b"%PDF-")
    name, overlay = download(explained, "Overlay")
    assert name == "case-1-overlay.png" and Image.open(io.BytesIO(overlay)).size[0] == 2144
    document = json.loads(download(explained, "Explanation (JSON)")[1])
    assert len(document["lesions"]) == 8 and document["image"] == "case-1"
    with zipfile.ZipFile(io.BytesIO(download(explained, "Masks")[1])) as archive:
        assert Image.open(io.BytesIO(archive.read("EX.png"))).size == (4288, 2848)
    assert download(explained, "Lesions (CSV)")[1].decode().count("\n") == 9


def test_two_people_wait_for_each_other_and_see_it(viewer: Viewer) -> None:
    pages = [viewer.open(), viewer.open()]
    for page in pages:
        page.get_by_role("button", name="Explain the example photograph").click()
    pages[1].get_by_text(re.compile("In the queue: 1 photograph of others first|is being read")).first.wait_for()
    for page in pages:
        page.get_by_role("heading", name="Refer within 1 month. At least moderate").wait_for()
        page.context.close()


def test_pictures_that_show_no_retina_and_files_that_are_no_picture(viewer: Viewer) -> None:
    page = viewer.open()
    bring(page, black(), "image/png")
    page.get_by_role("heading", name="Ungradable").wait_for()
    assert page.get_by_text("How to take it again").is_visible() and page.get_by_role("heading", name=re.compile("Refer")).count() == 0
    page.get_by_role("button", name="New photograph").click()
    bring(page, b"\xff\xd8\xff broken")
    page.get_by_text("This photograph could not be read: this file is truncated or damaged").wait_for()
    assert "Traceback" not in page.content()
    page.context.close()


def test_nothing_is_asked_for_elsewhere(explained: Page, viewer: Viewer) -> None:
    assert viewer.outside == [] and viewer.blocked == []


def test_strangers_get_no_page_and_everybody_the_headers(viewer: Viewer) -> None:
    with urllib.request.urlopen(viewer.url, timeout=60) as answer:
        assert answer.headers["X-Content-Type-Options"] == "nosniff" and answer.headers["X-Frame-Options"] == "DENY"
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    for headers in ({"Origin": "http://evil.example"}, {"Host": "evil.example"}):
        with pytest.raises(urllib.error.HTTPError, match="403") as refused:
            urllib.request.urlopen(urllib.request.Request(viewer.url, headers=headers), timeout=60)
        refused.value.close()
