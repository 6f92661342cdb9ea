"""The pictures of docs/viewer.md, taken anew: the viewer as it is, with the bundled models, in Chromium.

python benchmarks/screenshots.py [--output docs/images] [--vlm nano]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.browser import chromium, free_port, served  # noqa: E402

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PATIENCE_S = 600
DESK, TABLET = (1280, 800), (820, 1180)
CASES = {
    "viewer-case-light": (DESK, "light"), "viewer-case-dark": (DESK, "dark"),
    "viewer-tablet-light": (TABLET, "light"), "viewer-tablet-dark": (TABLET, "dark"),
}  # fmt: skip


def opened(browser: Browser, url: str, size: tuple[int, int], scheme: str) -> Page:
    """The start page."""
    width, height = size
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)  # type: ignore[arg-type]
    page = context.new_page()
    page.set_default_timeout(1000 * PATIENCE_S)
    page.goto(url)
    page.get_by_text("First time here?").wait_for()
    page.wait_for_timeout(1500)
    return page


def take(browser: Browser, url: str, output: Path) -> None:
    """The start page, and the explained example on a desk and on a tablet, light and dark."""
    start = opened(browser, url, DESK, "light")
    start.screenshot(path=output / "viewer-start-light.png")
    for name, (size, scheme) in CASES.items():
        page = opened(browser, url, size, scheme)
        page.get_by_role("button", name="Explain the example photograph").click()
        page.wait_for_selector(".fundus[data-state=ready]")
        page.wait_for_timeout(2000)
        page.screenshot(path=output / f"{name}.png")
        page.context.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "images")
    parser.add_argument("--vlm", default="auto")
    given = parser.parse_args()
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        words = ["view", "--port", str(port), "--vlm", given.vlm, "--feedback", f"{folder}/feedback.sqlite"]
        command = [str(Path(sys.executable).with_name("retinai")), *words]
        with served(command, port, PATIENCE_S) as url, chromium() as browser:
            take(browser, url, given.output)


if __name__ == "__main__":
    main()
