"""A patchwork of areas with crooked borders, of which neighbours share every vertex."""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely

COLUMNS, ROWS = 8, 6
"""How many areas there are beside and above one another."""

WEST, SOUTH, WIDE, HIGH = 120.30, 36.05, 0.006, 0.005
"""Where the patchwork begins, and how large an area is, degrees."""


def wavy(start: tuple[float, float], end: tuple[float, float], random: np.random.Generator) -> list[tuple[float, float]]:
    """Return a border between two corners with wiggles from under a metre to tens of metres; its end is left out."""
    along = np.linspace(0, 1, 60)[:-1]
    size = 0.0003 * np.sin(np.pi * along)
    off = size * (np.sin(9 * along * np.pi + random.uniform(0, 6)) + 0.3 * random.uniform(-1, 1, along.size))
    dx, dy = end[0] - start[0], end[1] - start[1]
    length = float(np.hypot(dx, dy))
    lon = start[0] + along * dx - off * dy / length
    lat = start[1] + along * dy + off * dx / length
    return list(zip(lon.tolist(), lat.tolist(), strict=True))


def patchwork(seed: int = 1) -> list[Any]:
    """Return areas in columns and rows with crooked borders, of which neighbours share every vertex."""
    random = np.random.default_rng(seed)
    corner = {
        (x, y): (WEST + WIDE * (x + random.uniform(-0.2, 0.2)), SOUTH + HIGH * (y + random.uniform(-0.2, 0.2)))
        for x in range(COLUMNS + 1)
        for y in range(ROWS + 1)
    }
    level = {(x, y): wavy(corner[x, y], corner[x + 1, y], random) for x in range(COLUMNS) for y in range(ROWS + 1)}
    upright = {(x, y): wavy(corner[x, y], corner[x, y + 1], random) for x in range(COLUMNS + 1) for y in range(ROWS)}

    def back(line: list[tuple[float, float]], end: tuple[float, float]) -> list[tuple[float, float]]:
        return [end, *line[:0:-1]]

    return [
        shapely.Polygon(
            level[x, y] + upright[x + 1, y] + back(level[x, y + 1], corner[x + 1, y + 1]) + back(upright[x, y], corner[x, y + 1])
        )
        for y in range(ROWS)
        for x in range(COLUMNS)
    ]
