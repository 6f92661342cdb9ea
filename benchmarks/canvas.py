"""Interaction trace of the fundus canvas: a drawn photograph of 12 megapixels with 2,000 lesions, in Chromium, on a Streamlit page.

    python benchmarks/canvas.py [--repeats 30]

Every sample is one real key press or turn of the wheel, given to a headless browser without a GPU. Three figures: until the frame that
answers it has been drawn (from the input's time stamp to the first task after that frame); for keys, until it was on the screen
(the browser's own Event Timing, in steps of 8 ms from 16 up); and the processor time of the page's main thread for everything that
the input caused, the sharp drawing afterwards included, which other work on the machine does not lengthen. Markdown goes to stdout.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
WIDTH, HEIGHT = 4288, 2848
COUNTS = {"MA": 900, "HE": 400, "EX": 650, "SE": 50}
RADII = {"MA": 7, "HE": 20, "EX": 14, "SE": 60}
WATCH = """() => {
  window.trace = { frames: [], paints: [], tasks: [] };
  const start = (event) => requestAnimationFrame(() => {
    const after = new MessageChannel();
    after.port1.onmessage = () => trace.frames.push(performance.now() - event.timeStamp);
    after.port2.postMessage(0);
  });
  for (const name of ["keydown", "wheel"]) addEventListener(name, start, { capture: true, passive: true });
  const watch = (type, keep) => new PerformanceObserver((list) => list.getEntries().forEach(keep)).observe(type);
  watch({ type: "event", durationThreshold: 16 }, (entry) => entry.name === "keydown" && trace.paints.push(entry.duration));
  watch({ type: "longtask" }, (entry) => trace.tasks.push(entry.duration));
}"""


def draw_photograph() -> NDArray[np.uint8]:
    """(HEIGHT, WIDTH, 3) RGB: an orange disc with the grain of a photograph, which keeps the JPEG as large as a real one."""
    rng = np.random.default_rng(0)
    pixels = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    cv2.circle(pixels, (WIDTH // 2, HEIGHT // 2), 1400, (180, 90, 40), cv2.FILLED)
    grain = cv2.GaussianBlur(rng.normal(0, 30, (HEIGHT, WIDTH)).astype(np.float32), (0, 0), 1.5)[..., None] * (pixels > 0)
    return np.clip(pixels + grain, 0, 255).astype(np.uint8)


def draw_lesions() -> Iterator[tuple[Any, list[NDArray[np.int32]]]]:
    """2,000 lesions with ragged outlines, scattered over the disc, in the sizes that each class has."""
    from retinai.types import Lesion, Place

    rng = np.random.default_rng(1)
    turn = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    for code, count in COUNTS.items():
        for number in range(1, count + 1):
            angle, far = rng.uniform(0, 2 * np.pi), 1300 * rng.uniform() ** 0.5
            x, y = WIDTH / 2 + far * np.cos(angle), HEIGHT / 2 + far * np.sin(angle)
            radius = RADII[code] * rng.lognormal(0, 0.5) * (1 + 0.3 * np.sin(turn * 3 + angle) + rng.normal(0, 0.1, 48))
            line = np.round(np.stack([x + radius * np.cos(turn), y + radius * np.sin(turn)], axis=1)).astype(np.int32)
            left, top, width, height = cv2.boundingRect(line)
            yield Lesion(f"{code}-{number}", code, (left, top, width, height), max(1, width * height // 2), 0.9, Place((x, y))), [line]


def page() -> None:
    """What Streamlit shows."""
    import streamlit as st

    from apps.canvas import fundus_canvas, make_scene
    from retinai.types import FundusImage, Landmarks

    @st.cache_resource
    def scene() -> Any:
        pixels = draw_photograph()
        landmarks = Landmarks((2900.0, 1400.0), 520.0, 0.9, (1900.0, 1450.0), 0.9, "right")
        return make_scene(FundusImage("drawn", pixels, np.asarray(pixels.any(axis=2), np.bool_)), draw_lesions(), landmarks)

    st.set_page_config(layout="wide")
    fundus_canvas(scene(), key="canvas")


class Trace:
    """A page with the canvas, and what each input costs it."""

    def __init__(self, tab: Any, repeats: int) -> None:
        self.tab, self.repeats = tab, repeats
        self.session = tab.context.new_cdp_session(tab)
        self.session.send("Performance.enable", {"timeDomain": "threadTicks"})
        tab.evaluate(WATCH)

    def busy_ms(self) -> float:
        """Processor time that the page's main thread has taken so far."""
        metrics = self.session.send("Performance.getMetrics")["metrics"]
        return 1000 * next(one["value"] for one in metrics if one["name"] == "TaskDuration")

    def rest(self) -> None:
        self.tab.evaluate("() => new Promise((done) => setTimeout(() => requestIdleCallback(done, { timeout: 5000 }), 250))")

    def row(self, name: str, acts: Sequence[Callable[[], object]]) -> str:
        """Do each in turn, with a rest after each, in which slow layers become sharp. Paints under 16 ms are counted as 16."""
        self.tab.evaluate("() => { trace.frames = []; trace.paints = []; }")
        busy = []
        for number in range(self.repeats):
            before = self.busy_ms()
            acts[number % len(acts)]()
            self.rest()
            busy.append(self.busy_ms() - before)
        frames, paints = self.tab.evaluate("[trace.frames, trace.paints]")
        paints += [16.0] * (len(frames) - len(paints))
        drawn = " | ".join(f"{np.percentile(frames, share):.0f}" for share in (50, 95, 100))
        seen = "-" if "wheel" in name else f"{np.percentile(paints, 95):.0f}"
        return f"| {name} | {len(frames)} | {drawn} | {seen} | {np.percentile(busy, 50):.0f} | {np.percentile(busy, 95):.0f} |"

    def keys(self, name: str, *keys: str) -> str:
        return self.row(name, [partial(self.tab.keyboard.press, key) for key in keys])

    def rows(self) -> Iterator[str]:
        tab = self.tab
        tab.focus(".stage")
        yield self.keys("a key that does nothing", "Shift")
        yield self.keys("hard exudates off, on", "3")
        yield self.keys("filled, outlined", "o")
        yield self.keys("red-free, colour", "g")
        yield self.keys("zoom in, out (keys)", "+", "-")
        box = tab.locator(".stage").bounding_box()
        tab.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        yield self.row("zoom in, out (wheel)", [partial(tab.mouse.wheel, 0, by) for by in (-120, 120)])
        for _ in range(4):
            tab.keyboard.press("+")
        yield self.keys("move, at 2.4 times", "ArrowRight", "ArrowLeft")
        tab.focus("[data-slider=opacity]")
        yield self.keys("opacity", "ArrowLeft")
        tasks = tab.evaluate("trace.tasks")
        yield f"\nTasks of 50 ms or more in the whole trace: {len(tasks)}" + (f", the longest {max(tasks):.0f} ms." if tasks else ".")


def measure(repeats: int) -> Iterator[str]:
    """The rows of the table."""
    from tests.browser import chromium, free_port, served, streamlit

    port = free_port()
    with served(streamlit(__file__, port), port, 120) as address, chromium() as browser:
        tab = browser.new_page(viewport={"width": 1280, "height": 800})
        tab.set_default_timeout(600_000)
        tab.goto(address)
        tab.wait_for_selector(".fundus[data-state=ready]")
        yield from Trace(tab, repeats).rows()
        yield f"Chromium {browser.version} without a GPU, 1280x800, one device pixel for each CSS pixel, {os.cpu_count()} cores."


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=30)
    repeats = parser.parse_args().repeats
    print("| action | samples | drawn p50, ms | p95 | max | on screen p95 | CPU p50, ms | p95 |", flush=True)
    print("|---|---|---|---|---|---|---|---|", flush=True)
    for line in measure(repeats):
        print(line, flush=True)


if __name__ == "__main__":
    from streamlit import runtime

    page() if runtime.exists() else main()
