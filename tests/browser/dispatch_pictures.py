"""Make the pictures of docs/dispatch.md: ``python -m tests.browser.dispatch_pictures URL FOLDER [--day 2026-11-02]``.

The server at URL must hold the sample district and the cases of that day.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.looking import Console, launch
from tests.browser.screenshot import palette_png

_READY = "() => globalThis.gisgrid?.map && !gisgrid.state.isLoading && gisgrid.state.cases.size > 0"


def main() -> None:
    """Open the screen in each of its ways, wait until all is drawn, and write a PNG of each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--day", default="2026-11-02")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = launch(playwright)
        for name, address, size, locale, act in (
            ("dispatch-form", "", (1280, 720), "zh-CN", _form),
            ("dispatch-review", "", (1280, 720), "en-GB", _review),
            ("dispatch-wall", "wall&", (1920, 1080), "zh-CN", _nothing),
        ):
            page = _page(browser, size, locale)
            console = Console(page, options.url.rstrip("/"))
            page.goto(f"{console.url}/dispatch.html#{address}day={options.day}")
            page.wait_for_function(_READY)
            act(page)
            console.settle()
            (options.folder / f"{name}.png").write_bytes(palette_png(console.picture()))
            page.close()
        browser.close()


def _page(browser: Browser, size: tuple[int, int], locale: str) -> Page:
    width, height = size
    page = browser.new_page(viewport={"width": width, "height": height}, locale=locale, color_scheme="light", reduced_motion="reduce")
    page.set_default_timeout(120_000)
    return page


def _nothing(_: Page) -> None:
    """Show the page as it opens."""


def _form(page: Page) -> None:
    page.keyboard.press("n")
    page.fill("#case-address", "市北区辽宁路41号")
    page.fill("#case-category", "污水井盖")
    page.fill("#case-source", "12345热线")
    page.fill("#case-description", "污水井盖破损，车辆经过时有异响")
    page.wait_for_selector('#preview [data-fact="grid"]')
    page.locator("#case-description").blur()


def _review(page: Page) -> None:
    page.keyboard.press("r")
    page.wait_for_selector("#case .question")


if __name__ == "__main__":
    main()
