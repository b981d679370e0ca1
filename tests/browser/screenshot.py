"""Make the picture of the README: ``python -m tests.browser.screenshot URL OUT [--hash ...] [--language ...]``.

The server at URL must hold the sample district. Without ``--hash`` the picture is of a street corner with an answer.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.browser.looking import Console, launch

DEFAULT_HASH = "#map=16.6/36.08720/120.37440&point=120.3747,36.0871,wgs84"


def main() -> None:
    """Open the console at the address given, wait until all is drawn, and write a PNG of 1280 by 800 pixels."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("out", type=Path)
    parser.add_argument("--hash", default=DEFAULT_HASH, help="what to show, as in the console's own address")
    parser.add_argument("--language", default="zh-CN")
    parser.add_argument("--theme", default="light", choices=("light", "dark"))
    parser.add_argument("--size", default="1280x800")
    parser.add_argument("--layers", action="store_true", help="leave the layer panel open")
    options = parser.parse_args()
    width, height = map(int, options.size.split("x"))
    with sync_playwright() as playwright:
        browser = launch(playwright)
        page = browser.new_page(
            viewport={"width": width, "height": height}, locale=options.language, color_scheme=options.theme, reduced_motion="reduce"
        )
        console = Console(page, options.url.rstrip("/"))
        console.open(options.hash)
        if "point=" in options.hash:
            page.wait_for_selector(".answer")
        if page.locator(".layers > [aria-expanded]").get_attribute("aria-expanded") == "true" and not options.layers:
            page.click(".layers > [aria-expanded]")
        console.settle()
        options.out.parent.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=options.out)
        browser.close()


if __name__ == "__main__":
    main()
