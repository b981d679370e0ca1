"""Looking at the console: Chromium, and the few questions that tests and the screenshot ask of the page."""

from __future__ import annotations

import warnings
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import numpy.typing as npt
from playwright.sync_api import Browser, ConsoleMessage, Page, Playwright, Request
from rasterio.errors import NotGeoreferencedWarning
from rasterio.io import MemoryFile

CHROMIUM = "/usr/bin/chromium"
_ARGUMENTS = [
    "--no-sandbox",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-background-networking",
]
_SETTLED = "() => globalThis.gisgrid?.map?.loaded() && !gisgrid.map.isMoving() && gisgrid.map.areTilesLoaded()"
_CODES = """layers => {
  const found = gisgrid.map.queryRenderedFeatures({ layers }).map(feature => feature.properties.code);
  return [...new Set(found)].sort();
}"""
_PIXEL = """([lon, lat]) => {
  const frame = gisgrid.map.getCanvas().getBoundingClientRect();
  const { x, y } = gisgrid.map.project([lon, lat]);
  return [frame.left + x, frame.top + y];
}"""


def launch(playwright: Playwright) -> Browser:
    """Start Debian's Chromium without a screen; WebGL is drawn by software."""
    return playwright.chromium.launch(executable_path=CHROMIUM, args=_ARGUMENTS)


class Console:
    """The console in a page, with what went wrong there and which hosts it asked."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url
        self.complaints: list[str] = []
        self.hosts: set[str] = set()
        page.on("console", self._note_message)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", self._note_host)

    def _note_message(self, message: ConsoleMessage) -> None:
        address = message.location.get("url", "")
        # The browser may ask for this by itself for a page that is a picture, as late as it likes; no page of ours names it.
        if message.type in ("error", "warning") and not address.endswith("/favicon.ico"):
            self.complaints.append(f"{message.text} {address}")

    def _note_host(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in ("http", "https", "ws", "wss"):
            self.hosts.add(parts.netloc)

    def visit(self, hash: str = "") -> None:
        """Open the page at ``hash``; the map may still be drawing, but panels answer at once."""
        self.page.goto(f"{self.url}/{hash}")

    def open(self, hash: str = "") -> None:
        """Open the page at ``hash`` and wait until the map has drawn all of it."""
        self.visit(hash)
        self.settle()

    def settle(self) -> None:
        """Wait until the map stands still and has all its tiles."""
        self.page.wait_for_function(_SETTLED, timeout=60_000)
        # A frame or two later, everything that has been loaded is on the screen.
        self.page.evaluate("() => new Promise(done => { gisgrid.map.once('idle', () => done(null)); gisgrid.map.triggerRepaint(); })")

    def drawn(self, *layers: str) -> list[str]:
        """Return the codes of the features that the style layers ``layers`` show, each once."""
        codes: list[str] = self.page.evaluate(_CODES, list(layers))
        return codes

    def pixel(self, lon: float, lat: float) -> tuple[float, float]:
        """Return where on the page a place is, in pixels from the upper left."""
        x, y = self.page.evaluate(_PIXEL, [lon, lat])
        return float(x), float(y)

    def click(self, lon: float, lat: float) -> None:
        """Click the map at a place."""
        self.page.mouse.click(*self.pixel(lon, lat))

    def type_point(self, crs: str, first: str, second: str) -> None:
        """Fill in the form and send it."""
        self.page.select_option("#crs", crs)
        self.page.fill("#first", first)
        self.page.fill("#second", second)
        self.page.press("#second", "Enter")

    def fact(self, name: str) -> str:
        """Return a line of the answer, waiting until it is there."""
        return self.page.locator(f"[data-fact={name}]").inner_text()

    def camera(self) -> dict[str, Any]:
        """Return the map's centre (lng, lat) and zoom."""
        found: dict[str, Any] = self.page.evaluate("() => ({...gisgrid.map.getCenter(), zoom: gisgrid.map.getZoom()})")
        return found

    def picture(self) -> npt.NDArray[np.uint8]:
        """Return what the page shows, as (row, column, red-green-blue)."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            with MemoryFile(self.page.screenshot()) as file, file.open() as image:
                pixels: npt.NDArray[np.uint8] = np.moveaxis(image.read([1, 2, 3]), 0, -1)
                return pixels


def rgb(color: str) -> tuple[int, int, int]:
    """Return a colour such as ``#2f74b5`` as numbers."""
    red, green, blue = bytes.fromhex(color.removeprefix("#"))
    return red, green, blue
