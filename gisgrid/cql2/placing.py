"""Shapes and boxes in a filter that are written in another coordinate system, as longitude and latitude."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import shapely

from gisgrid.cql2.filter import refused

Place = Callable[[shapely.Geometry], shapely.Geometry]
"""What makes a shape in longitude and latitude of one as it is written."""


def placed(expression: Any, shape: Place, box: Callable[[tuple[float, ...]], list[shapely.Geometry]]) -> Any:
    """Return a filter (parsed CQL2 JSON) with every shape put through ``shape``, and every box through ``box``.

    ``box`` takes the four sides as they are written and gives the shapes that the box is. Raises ParameterError "filter" for what
    is no shape or no box.
    """
    if isinstance(expression, list):
        return [placed(part, shape, box) for part in expression]
    if not isinstance(expression, dict):
        return expression
    if "bbox" in expression:
        return _box(expression["bbox"], box)
    if "type" in expression and "op" not in expression:
        return _shape(expression, shape)
    return {name: placed(part, shape, box) for name, part in expression.items()}


def _box(sides: Any, box: Callable[[tuple[float, ...]], list[shapely.Geometry]]) -> Any:
    if not isinstance(sides, list) or len(sides) != 4 or not all(isinstance(side, int | float) for side in sides):
        raise refused("a box has four sides.", "BBOX(…) with four numbers, in the order of the axes of filter-crs")
    shapes = box(tuple(map(float, sides)))
    if not shapes:
        raise refused("a box lies outside the area of its system.", "a box in the system of filter-crs")
    return shapely.geometry.mapping(shapely.union_all(shapes))


def _shape(value: dict[str, Any], place: Place) -> Any:
    try:
        read = shapely.geometry.shape(value)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, shapely.errors.ShapelyError):
        # What is no shape is told where shapes are checked.
        return value
    return shapely.geometry.mapping(place(read)) if not (read.is_empty or read.has_z) else value
