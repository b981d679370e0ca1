"""Units of numbers in source files, and how they become the unit of a layer's field."""

from __future__ import annotations

import math
from typing import Literal, NamedTuple, get_args

UnitName = Literal["mm", "cm", "m", "km", "ft", "in", "mi", "deg", "rad", "gon", "mil", "m2", "ha", "mu", "km2"]
"""The units that a number in a file may be in."""


class Unit(NamedTuple):
    """One unit: the layer's unit of its dimension (``m``, ``deg`` or ``m2``), how many of those it is, and what people write for it."""

    base: str
    factor: float
    marks: tuple[str, ...] = ()


UNITS: dict[str, Unit] = {
    "mm": Unit("m", 0.001, ("毫米",)),
    "cm": Unit("m", 0.01, ("厘米",)),
    "m": Unit("m", 1.0, ("米",)),
    "km": Unit("m", 1000.0, ("公里", "千米")),
    "ft": Unit("m", 0.3048, ("'", "英尺")),
    "in": Unit("m", 0.0254, ('"', "英寸")),
    "mi": Unit("m", 1609.344, ("英里",)),
    "deg": Unit("deg", 1.0, ("°", "度")),
    "rad": Unit("deg", 180.0 / math.pi, ("弧度",)),
    "gon": Unit("deg", 0.9, ("grad",)),
    "mil": Unit("deg", 0.05625, ("密位",)),  # 6400 to the circle; the 6000 of some maps is not meant
    "m2": Unit("m2", 1.0, ("m²", "㎡", "平方米")),
    "ha": Unit("m2", 10_000.0, ("公顷",)),
    "mu": Unit("m2", 2000.0 / 3.0, ("亩",)),
    "km2": Unit("m2", 1_000_000.0, ("km²", "平方公里")),
}


def factor(name: str, base: str) -> float | None:
    """Return how many ``base`` units one ``name`` is; None when it measures something else.

    >>> factor("ft", "m")
    0.3048
    """
    unit = UNITS[name]
    return unit.factor if unit.base == base else None


def names_of(base: str) -> list[str]:
    """Return the units that can be converted to ``base``, in the order of their list."""
    return [name for name in get_args(UnitName) if UNITS[name].base == base]


def marks(name: str) -> tuple[str, ...]:
    """Return what may stand behind a number in this unit, such as "m" or "米"."""
    return (name, *UNITS[name].marks)
