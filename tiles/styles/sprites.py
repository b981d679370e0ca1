"""The signs of the styles, drawn when they are first asked for: cameras by kind and status, issues by severity.

Shapes are laid out in a square of 24 units around a middle of 0, 0, with y downwards; a sign of the sprite is as many pixels wide.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from tiles.styles import shipped

_SIDE = 24
_FINER = 4
"""Each pixel is drawn as so many by so many, so that edges are smooth."""

Coloured = tuple[shapely.Geometry, str]


class Sprite(NamedTuple):
    """A sprite: its picture as PNG, and where in it each sign is, as MapLibre's index says it."""

    png: bytes
    places: dict[str, dict[str, int]]


@cache
def sprite(palette_id: str, ratio: int) -> Sprite:
    """Return the signs in the colours of a palette, each unit ``ratio`` pixels wide (1, or 2 for sharp screens).

    Drawing them takes some tenths of a second, once in a process.
    """
    signs = _signs(palette_id)
    side = _SIDE * ratio
    picture = np.concatenate([_draw(shapes, ratio) for shapes in signs.values()], axis=1)
    places = {name: {"x": number * side, "y": 0, "width": side, "height": side, "pixelRatio": ratio} for number, name in enumerate(signs)}
    return Sprite(_png(picture), places)


def _signs(palette_id: str) -> dict[str, list[Coloured]]:
    palette = shipped.palette(palette_id)
    ring = palette["cover_ring"]
    cameras = {
        f"camera/{kind}/{status}": _camera(kind, palette[status], ring)
        for kind in ("fixed", "dome", "ptz")
        for status in ("online", "offline", "fault")
    }
    issues = {f"issue/{severity}": _issue(severity, palette[f"issue_{severity}"], ring) for severity in ("error", "warning", "info")}
    return cameras | issues


def _camera(kind: str, color: str, ring: str) -> list[Coloured]:
    """Return a camera that looks north: an arrow; a dome is round, one that turns has a ring with a mark."""
    if kind == "fixed":
        body = shapely.Polygon([(0, -9.5), (6.5, 6.5), (0, 3.5), (-6.5, 6.5)])
        return [(body.buffer(0.9), ring), (body, color)]
    body = [(_disc(6.4), ring), (_disc(5.5), color)]
    if kind == "dome":
        return [*body, (_disc(2.0), ring)]
    return [*body, (_disc(3.6), ring), (_disc(2.3), color), (shapely.box(-0.65, -5.5, 0.65, -3), ring)]


def _issue(severity: str, color: str, ring: str) -> list[Coloured]:
    """Return a sign told apart by its shape too: a diamond, a triangle, a disc; with an exclamation mark, or an i."""
    shapes = {
        "error": shapely.Polygon([(0, -10), (10, 0), (0, 10), (-10, 0)]),
        "warning": shapely.Polygon([(0, -9.8), (10.2, 8.6), (-10.2, 8.6)]),
        "info": _disc(8.5),
    }
    down = 2.0 if severity == "warning" else 0.0
    bar, dot = (-1.5, -5.2) if severity == "info" else (-5.0 + down, 3.0 + down)
    mark = shapely.union(shapely.box(-1.25, bar, 1.25, bar + 6.5), shapely.box(-1.25, dot, 1.25, dot + 2.5))
    return [(shapes[severity].buffer(1.7), ring), (shapes[severity], color), (mark, ring)]


def _disc(radius: float) -> shapely.Geometry:
    return shapely.Point(0, 0).buffer(radius, quad_segs=16)


def _draw(shapes: Sequence[Coloured], ratio: int) -> NDArray[np.uint8]:
    """Return a sign as (row, column, red-green-blue-alpha): colours are not premultiplied, edges are transparent in part."""
    middles = (np.arange(_SIDE * ratio * _FINER) + 0.5) / (ratio * _FINER) - _SIDE / 2
    x, y = np.meshgrid(middles, middles)
    fine: NDArray[np.float64] = np.zeros((*x.shape, 4))
    for shape, color in shapes:
        shapely.prepare(shape)
        fine[shapely.contains_xy(shape, x, y)] = (*bytes.fromhex(color.removeprefix("#")), 255)
    alpha = fine[..., 3:]
    small = _mean(np.concatenate([fine[..., :3] * alpha, alpha], axis=2))
    weight = np.maximum(small[..., 3:], 1e-9)
    drawn: NDArray[np.uint8] = np.rint(np.concatenate([small[..., :3] / weight, small[..., 3:]], axis=2)).astype(np.uint8)
    return drawn


def _mean(fine: NDArray[np.float64]) -> NDArray[np.float64]:
    rows, columns, bands = fine.shape
    blocks: NDArray[np.float64] = fine.reshape(rows // _FINER, _FINER, columns // _FINER, _FINER, bands).mean(axis=(1, 3))
    return blocks


def _png(picture: NDArray[np.uint8]) -> bytes:
    # Not before the first sign is asked for: it takes longer to import than all else of the styles.
    from rasterio.errors import NotGeoreferencedWarning  # noqa: PLC0415
    from rasterio.io import MemoryFile  # noqa: PLC0415

    height, width, _ = picture.shape
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with MemoryFile() as memory:
            options: dict[str, Any] = {"driver": "PNG", "height": height, "width": width, "count": 4, "dtype": "uint8"}
            with memory.open(**options) as image:
                image.write(np.moveaxis(picture, -1, 0))
            return bytes(memory.read())
