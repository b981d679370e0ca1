"""Make the picture of the README: ``python -m tests.browser.screenshot URL OUT [--hash ...] [--language ...]``.

The server at URL must hold the sample district. Without ``--hash`` the picture is of a street corner with an answer.
"""

from __future__ import annotations

import argparse
import warnings
from pathlib import Path

import numpy as np
import numpy.typing as npt
from playwright.sync_api import sync_playwright
from rasterio.errors import NotGeoreferencedWarning
from rasterio.io import MemoryFile
from scipy.cluster.vq import kmeans2
from scipy.spatial import cKDTree

from tests.browser.looking import Console, launch

DEFAULT_HASH = "#map=16.3/36.08980/120.37080&point=120.3717,36.0902,wgs84"


def main() -> None:
    """Open the console at the address given, wait until all is drawn, and write a PNG of 1280 by 800 pixels."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("out", type=Path)
    parser.add_argument("--hash", default=DEFAULT_HASH, help="what to show, as in the console's own address")
    parser.add_argument("--language", default="zh-CN")
    parser.add_argument("--theme", default="light", choices=("light", "dark"))
    parser.add_argument("--size", default="1280x800")
    parser.add_argument("--no-layers", action="store_true", help="fold the layer panel")
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
        if options.no_layers:
            page.click(".layers > [aria-expanded]")
        console.settle()
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_bytes(palette_png(console.picture()))
        browser.close()


def palette_png(picture: npt.NDArray[np.uint8]) -> bytes:
    """Return ``picture`` (row, column, red-green-blue) as a PNG of 256 colours, a third of the size of the full one."""
    colours, which, counts = np.unique(picture.reshape(-1, 3), axis=0, return_inverse=True, return_counts=True)
    # Common colours weigh more, but rare ones (small signs) still have a say.
    weights = np.sqrt(counts) / np.sqrt(counts).sum()
    drawn = np.random.default_rng(0).choice(len(colours), 60_000, p=weights)
    palette, _ = kmeans2(colours[drawn].astype(float), 256, iter=12, minit="++", rng=0)
    palette = np.clip(np.rint(palette), 0, 255).astype(np.uint8)
    _, nearest = cKDTree(palette.astype(float)).query(colours.astype(float))
    indexed = nearest[which.ravel()].reshape(picture.shape[:2]).astype(np.uint8)
    height, width = indexed.shape
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with MemoryFile() as file:
            with file.open(driver="PNG", height=height, width=width, count=1, dtype="uint8", ZLEVEL=9) as image:
                image.write(indexed, 1)
                image.write_colormap(1, {index: (*map(int, colour), 255) for index, colour in enumerate(palette)})
            return bytes(file.read())


if __name__ == "__main__":
    main()
