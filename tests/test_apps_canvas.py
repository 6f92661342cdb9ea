"""The fundus canvas: what is sent to the browser, and, in Chromium, what is then seen of it."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
from browser import chromium, free_port, needs_chromium, served, streamlit
from canvas_page import HEIGHT, WIDTH, drawn
from numpy.typing import NDArray
from PIL import Image

from apps.canvas import SCRIPTS, make_scene, scene
from retinai.lesions import CLASSES
from retinai.types import Landmarks, SaliencyMap

if TYPE_CHECKING:
    from playwright.sync_api import Page

FOLDER = Path(scene.__file__).parent
PATIENCE_MS = 120_000


def decode(content: bytes) -> NDArray[np.int32]:
    return np.asarray(Image.open(io.BytesIO(content)), np.int32)


@pytest.fixture(scope="module")
def layers() -> dict:
    image, outlines, landmarks = drawn()
    return json.loads(make_scene(image, outlines, landmarks).layers)


def test_scene_names_lesions_in_native_pixels(layers: dict) -> None:
    _, outlines, _ = drawn()
    assert layers["size"] == [WIDTH, HEIGHT]
    assert [(it["id"], it["code"], tuple(it["box"])) for it in layers["lesions"]] == [(it.id, it.code, it.box) for it, _ in outlines]
    assert layers["lesions"][1]["words"] == "HE-1: haemorrhage, superotemporal, 1.2 disc diameters from the fovea, confidence 90 %"
    assert layers["landmarks"] == {"disc": [620, 320], "dd": 100, "fovea": [480, 320], "eye": "right"}


def test_scene_takes_colours_and_lines_from_the_table(layers: dict) -> None:
    assert [one["code"] for one in layers["classes"]] == ["MA", "HE", "EX", "SE", "OD"]
    assert [one["line"] for one in layers["classes"]] == [CLASSES[one["code"]].line for one in layers["classes"]]
    assert layers["classes"][1]["colour"] == "rgb(20,60,230)"


def test_outline_runs_through_the_middle_of_pixels() -> None:
    square = np.array([[10, 20], [12, 20], [14, 20], [14, 22], [10, 22]], np.int32)
    assert scene._svg_path(square) == "M10.5 20.5l4 0 0 2 -4 0z"
    assert scene._svg_path(square[:1]) == "M10.5 20.5z"


def test_words_leave_out_what_is_not_known() -> None:
    lesion = drawn()[1][0][0]
    unplaced = type(lesion)(lesion.id, lesion.code, lesion.box, lesion.area_px, 0.5, type(lesion.place)((1.0, 1.0)))
    assert scene.describe(unplaced) == "MA-1: microaneurysm, confidence 50 %"
    sure = type(lesion)(lesion.id, lesion.code, lesion.box, lesion.area_px, 0.999, unplaced.place)
    assert scene.describe(sure) == "MA-1: microaneurysm, confidence above 99 %"


def test_nothing_is_said_to_be_absent_that_was_not_looked_for() -> None:
    image, outlines, landmarks = drawn()
    given = [([], Landmarks()), ([], landmarks), (outlines, Landmarks())]
    assert [json.loads(make_scene(image, *one).layers)["plain"] for one in given] == [True, False, False]


def test_photograph_and_green_channel_keep_their_pixels() -> None:
    image, outlines, landmarks = drawn()
    made = make_scene(image, outlines, landmarks)
    assert np.abs(decode(made.photograph) - image.pixels).mean() < 3
    assert decode(made.red_free).shape == (HEIGHT, WIDTH)
    assert np.abs(decode(made.red_free) - image.pixels[..., 1]).mean() < 3


def test_larger_photograph_is_sent_smaller_and_measured_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scene, "MOST_PIXELS", WIDTH * HEIGHT // 4)
    made = make_scene(drawn()[0], [], Landmarks())
    assert decode(made.photograph).shape == (HEIGHT // 2, WIDTH // 2, 3)
    assert json.loads(made.layers)["size"] == [WIDTH, HEIGHT]


def test_saliency_is_clear_where_nothing_was_looked_at() -> None:
    values = np.zeros((HEIGHT, WIDTH), np.float32)
    values[:100] = 1
    image, _, _ = drawn()
    made = make_scene(image, [], Landmarks(), SaliencyMap(values, "grade 2", "attention"))
    alpha = decode(made.saliency or b"")[..., 3]
    assert (alpha[:90] == 255).all()
    assert (alpha[110:] == 0).all()
    assert json.loads(made.layers)["saliency"] == "attention of grade 2. Where a model looked is no finding."


def test_script_is_all_there_and_runs_no_text() -> None:
    assert sorted(SCRIPTS) == sorted(path.name for path in FOLDER.glob("*.js"))
    script = "\n".join((FOLDER / name).read_text(encoding="utf-8") for name in SCRIPTS)
    assert re.findall(r"innerHTML|outerHTML|insertAdjacent|document\.write|\beval\(|new Function|\bimport\b", script) == []
    assert re.findall(r"https?://[^\"]*", script + (FOLDER / "canvas.css").read_text(encoding="utf-8")) == ["http://www.w3.org/2000/svg"]


# In the browser


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A Streamlit server with the drawn page."""
    needs_chromium("the canvas")
    port = free_port()
    with served(streamlit(str(Path(__file__).parent / "canvas_page.py"), port), port, PATIENCE_MS / 1000) as url:
        yield url


@pytest.fixture(scope="module")
def page(address: str) -> Iterator[Page]:
    with chromium() as browser:
        opened = browser.new_page(viewport={"width": 1280, "height": 800}, reduced_motion="reduce")
        opened.set_default_timeout(PATIENCE_MS)
        opened.goto(address)
        opened.wait_for_selector(".fundus[data-state=ready]")
        yield opened


@pytest.fixture
def fresh(page: Page) -> Page:
    """The page as it was opened: everything shown, nothing chosen, the whole photograph in view."""
    page.reload()
    page.wait_for_selector(".fundus[data-state=ready]")
    return page


def seen(page: Page) -> NDArray[np.int32]:
    """(h, w, 3): the stage as the user sees it, once it rests."""
    page.wait_for_timeout(400)
    return decode(page.locator(".stage").screenshot())[..., :3]


def on_stage(page: Page, point: tuple[float, float]) -> tuple[float, float]:
    """Where a native point lies on the stage while the whole photograph is in view."""
    box = page.locator(".stage").bounding_box()
    assert box is not None
    scale = min(box["width"] / WIDTH, box["height"] / HEIGHT)
    return (box["width"] - WIDTH * scale) / 2 + point[0] * scale, (box["height"] - HEIGHT * scale) / 2 + point[1] * scale


def scale_of(page: Page) -> float:
    return float(page.locator(".fundus").get_attribute("data-scale") or 0)


def is_colour(picture: NDArray[np.int32], code: str) -> NDArray[np.bool_]:
    return np.abs(picture - CLASSES[code].colour).max(axis=2) < 40


def test_every_lesion_is_outlined_where_it_lies(fresh: Page) -> None:
    picture = seen(fresh)
    for lesion, _ in drawn()[1]:
        left, top, width, height = lesion.box
        a, b = on_stage(fresh, (left - 8, top - 8)), on_stage(fresh, (left + width + 8, top + height + 8))
        inside = np.zeros(picture.shape[:2], bool)
        inside[int(a[1]) : int(b[1]), int(a[0]) : int(b[0])] = True
        assert (is_colour(picture, lesion.code) & inside).sum() > 20, lesion.id
        if lesion.code != "MA":  # its yellow is the ink of the drawn exudate too
            assert (is_colour(picture, lesion.code) & ~inside).sum() == 0, lesion.id


def test_layer_is_hidden_by_button_and_shown_by_key(fresh: Page) -> None:
    before = is_colour(seen(fresh), "HE").sum()
    fresh.locator("button[data-layer=HE]").click()
    assert fresh.locator("button[data-layer=HE]").get_attribute("aria-pressed") == "false"
    assert is_colour(seen(fresh), "HE").sum() == 0
    fresh.keyboard.press("2")
    assert is_colour(seen(fresh), "HE").sum() == before > 0


def test_opacity_fades_the_layers_and_not_the_photograph(fresh: Page) -> None:
    before = seen(fresh)
    fresh.locator("[data-slider=opacity]").fill("0")
    after = seen(fresh)
    assert is_colour(before, "HE").sum() > 0 == is_colour(after, "HE").sum()
    x, y = (round(value) for value in on_stage(fresh, (480, 200)))
    assert (before[y, x] == after[y, x]).all()


def test_red_free_shows_the_green_channel(fresh: Page) -> None:
    x, y = (round(value) for value in on_stage(fresh, (480, 200)))
    assert np.ptp(seen(fresh)[y, x]) > 60
    fresh.get_by_role("button", name="Red-free").click()
    grey = seen(fresh)[y, x]
    assert np.ptp(grey) == 0
    assert abs(grey[0] - drawn()[0].pixels[200, 480, 1]) < 15


def test_invert_turns_the_photograph_round_and_not_the_lines(fresh: Page) -> None:
    x, y = (round(value) for value in on_stage(fresh, (480, 200)))
    before = seen(fresh)
    fresh.locator(".stage").press("i")
    after = seen(fresh)
    assert np.abs(before[y, x] + after[y, x] - 255).max() <= 2
    assert is_colour(after, "HE").sum() > 0


def test_wheel_and_keys_zoom_about_a_point(fresh: Page) -> None:
    whole = scale_of(fresh)
    box = fresh.locator(".stage").bounding_box()
    assert box is not None
    x, y = on_stage(fresh, drawn()[1][1][0].place.centre)
    fresh.mouse.move(box["x"] + x, box["y"] + y)
    before = seen(fresh)[round(y), round(x)]
    fresh.mouse.wheel(0, -240)
    after = seen(fresh)
    assert scale_of(fresh) > whole * 1.5
    assert np.abs(after[round(y), round(x)] - before).max() < 25  # the lesion is still under the pointer
    fresh.locator(".stage").press("0")
    seen(fresh)
    assert scale_of(fresh) == pytest.approx(whole)


def test_python_flies_to_a_lesion_and_back(fresh: Page) -> None:
    whole = scale_of(fresh)
    before = np.ptp(np.nonzero(is_colour(seen(fresh), "HE"))[1])
    fresh.get_by_role("button", name="Fly to it").click()
    fresh.wait_for_selector(".fundus[data-chosen=HE-1]")
    after = np.ptp(np.nonzero(is_colour(seen(fresh), "HE"))[1])
    assert after / before == pytest.approx(scale_of(fresh) / whole, rel=0.05)  # larger, and all of it in view
    assert after > before * 1.3
    assert "HE-1: haemorrhage" in fresh.locator(".status").inner_text()
    fresh.get_by_role("button", name="Fly back").click()
    fresh.wait_for_selector(".fundus[data-chosen='']")
    seen(fresh)
    assert scale_of(fresh) == whole


def test_click_on_a_lesion_tells_python(fresh: Page) -> None:
    box = fresh.locator(".stage").bounding_box()
    assert box is not None
    x, y = on_stage(fresh, drawn()[1][1][0].place.centre)
    fresh.mouse.click(box["x"] + x, box["y"] + y)
    fresh.wait_for_selector("text=told: 'HE-1'")
    assert fresh.locator(".fundus").get_attribute("data-chosen") == "HE-1"
    fresh.locator(".stage").press("Escape")
    fresh.wait_for_selector("text=told: ''")


def test_next_goes_through_the_shown_lesions_only(fresh: Page) -> None:
    fresh.locator("button[data-layer=HE]").click()
    for expected in ("MA-1", "EX-1", "SE-1", "MA-1"):
        fresh.locator(".stage").press("n")
        fresh.wait_for_selector(f".fundus[data-chosen={expected}]")


def test_compare_leaves_the_left_side_plain(fresh: Page) -> None:
    before = seen(fresh)
    fresh.get_by_role("button", name="Compare").click()
    picture = seen(fresh)
    half = picture.shape[1] // 2
    left, right = picture[:, : half - 20], picture[:, half + 20 :]
    assert is_colour(before[:, : half - 20], "SE").sum() > 0 == is_colour(left, "SE").sum()
    assert is_colour(right, "HE").sum() == is_colour(before[:, half + 20 :], "HE").sum() > 0


def test_plain_photograph_says_nothing_of_lesions_and_keeps_the_view(fresh: Page) -> None:
    fresh.locator(".stage").press("+")
    zoomed = scale_of(fresh)
    fresh.get_by_text("Plain", exact=True).click()
    fresh.wait_for_selector("button[data-layer=HE]", state="detached")
    assert fresh.get_by_role("button", name="Rings").is_disabled()
    assert "lesions" not in (fresh.locator(".stage").get_attribute("aria-label") or "")
    assert is_colour(seen(fresh), "HE").sum() == 0
    fresh.get_by_text("Plain", exact=True).click()
    fresh.wait_for_selector("button[data-layer=HE]")
    assert fresh.locator("button[data-layer=HE]").inner_text() == "1 haemorrhage"
    assert is_colour(seen(fresh), "HE").sum() > 0
    assert scale_of(fresh) == zoomed


def test_ruler_measures_in_disc_diameters(fresh: Page) -> None:
    fresh.get_by_role("button", name="Ruler").click()
    box = fresh.locator(".stage").bounding_box()
    assert box is not None
    ends = [on_stage(fresh, (380.0, 320.0)), on_stage(fresh, (580.0, 320.0))]
    fresh.mouse.move(box["x"] + ends[0][0], box["y"] + ends[0][1])
    fresh.mouse.down()
    fresh.mouse.move(box["x"] + ends[1][0], box["y"] + ends[1][1], steps=4)
    fresh.mouse.up()
    seen(fresh)
    length = re.fullmatch(r"Ruler: (\d+\.\d+) DD \((\d+) px\)", fresh.locator(".status").inner_text())
    assert length is not None
    assert float(length[1]) == pytest.approx(2, abs=0.05)
    assert cv2.countNonZero((seen(fresh).min(axis=2) > 240).astype(np.uint8)) > 100


def test_two_fingers_zoom_and_one_moves(fresh: Page) -> None:
    touch = fresh.context.new_cdp_session(fresh)
    box = fresh.locator(".stage").bounding_box()
    assert box is not None
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    def fingers(kind: str, *offsets: int) -> None:
        points = [{"x": middle[0] + offset, "y": middle[1], "id": place} for place, offset in enumerate(offsets)]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    whole = scale_of(fresh)
    fingers("touchStart", -50, 50)
    for half in (60, 80, 100):
        fingers("touchMove", -half, half)
    fingers("touchEnd")
    before = seen(fresh)
    assert scale_of(fresh) == pytest.approx(2 * whole, rel=0.02)
    fingers("touchStart", 0)
    for offset in (10, 40, 60):
        fingers("touchMove", offset)
    fingers("touchEnd")
    assert np.median(np.abs(seen(fresh)[:, 70:-10] - before[:, 10:-70])) <= 2  # what was there has moved by sixty pixels


def test_help_names_every_key(fresh: Page) -> None:
    fresh.locator(".stage").press("?")
    help_text = fresh.get_by_role("dialog").inner_text()
    assert all(words in help_text for words in ("Zoom in", "Red-free", "Next lesion", "Show or hide a layer", "Move the picture"))
