"""A page of somebody else's that draws a style of the server: MapLibre, a style's address, and nothing of the console's."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from playwright.sync_api import Page
from rasterio.errors import NotGeoreferencedWarning
from rasterio.io import MemoryFile

MAPLIBRE = Path(__file__).resolve().parents[2] / "web" / "node_modules" / "maplibre-gl" / "dist"

Picture = npt.NDArray[np.uint8]
"""Row, column, red-green-blue."""

_PAGE = b"""<!doctype html><html lang="zh-CN"><meta charset="utf-8"><link rel="icon" href="data:,">
<style>body { margin: 0 } #frame { position: absolute; inset: 0; background: #9db }</style><div id="frame"></div>
<script type="module">
import { Map, setWorkerUrl } from "./maplibre-gl.mjs";
setWorkerUrl(new URL("./maplibre-gl-worker.mjs", document.baseURI).href);
globalThis.draw = options => {
  globalThis.map?.remove();
  globalThis.problems = [];
  globalThis.map = new Map({ container: "frame", fadeDuration: 0, attributionControl: false, ...options });
  map.on("error", event => problems.push(String(event.error)));
};
globalThis.isReady = true;
</script></html>"""

_DRAWN = "() => map.isStyleLoaded() && map.areTilesLoaded() && !map.isMoving()"
_NEXT_IDLE = "() => new Promise(done => { map.once('idle', () => done(null)); map.triggerRepaint(); })"
_WITHOUT_TEXT = """() => {
  for (const layer of map.getStyle().layers)
    if (layer.layout?.["text-field"]) map.setLayoutProperty(layer.id, "visibility", "none");
}"""


class _Files(BaseHTTPRequestHandler):
    """Serves the page and MapLibre's own files."""

    def do_GET(self) -> None:
        name = self.path.split("?")[0].lstrip("/")
        body = _PAGE if not name else (MAPLIBRE / Path(name).name).read_bytes()
        self.send_response(200)
        self.send_header("content-type", "text/javascript" if name.endswith(".mjs") else "text/html; charset=utf-8")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@contextmanager
def foreign_page() -> Iterator[str]:
    """Serve the page on a port of its own for a block: to the server of the tiles it is a page of another origin."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Files) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


def draw(page: Page, style: str, lon: float, lat: float, zoom: float) -> None:
    """Draw a style in a page that shows the foreign page, and wait until all of it is there."""
    page.wait_for_function("globalThis.isReady")
    page.evaluate("options => draw(options)", {"style": style, "center": [lon, lat], "zoom": zoom})
    settle(page)


def settle(page: Page) -> None:
    """Wait until the map stands still and has all its tiles."""
    page.wait_for_function(_DRAWN, timeout=60_000)
    page.evaluate(_NEXT_IDLE)


def hide_text(page: Page) -> None:
    """Take away whatever is written: fonts differ from machine to machine."""
    page.evaluate(_WITHOUT_TEXT)
    settle(page)


def picture(page: Page) -> Picture:
    """Return what the page shows."""
    return decoded(page.screenshot())


def decoded(png: bytes) -> Picture:
    """Return a PNG of at least three bands as an array."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with MemoryFile(png) as file, file.open() as image:
            return np.ascontiguousarray(np.moveaxis(image.read([1, 2, 3]), 0, -1))
