"""Geometry drawn in the test: a picture of letters becomes polygons, one unit a cell."""

from __future__ import annotations

import numpy as np
import shapely

from gisgrid.locator import AreaTable


def drawn(picture: str, west: float = 120.0, south: float = 36.0, side: float = 0.001) -> AreaTable:
    """Return one area for each letter, made of the cells that it is drawn in; a dot is no area, the last line is the south.

    The code of an area is its letter, its name the same in lower case.
    """
    lines = [line.split() for line in picture.strip().splitlines()]
    cells: dict[str, list[shapely.Geometry]] = {}
    for row, line in enumerate(reversed(lines)):
        for column, letters in enumerate(line):
            for letter in letters.replace(".", ""):
                x, y = west + column * side, south + row * side
                cells.setdefault(letter, []).append(shapely.box(x, y, west + (column + 1) * side, south + (row + 1) * side))
    codes = sorted(cells)
    shapes = np.empty(len(codes), dtype=object)
    shapes[:] = [shapely.coverage_union_all(cells[code]) for code in codes]
    return AreaTable(codes, [code.lower() for code in codes], [None] * len(codes), shapes)
