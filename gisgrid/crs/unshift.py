"""The inverse of GCJ-02 for arrays, quickly: its waves from tables, and Newton's method in a few steps.

The shift is made of functions of the longitude alone and of the latitude alone. Each is kept as a parabola for every 1/1024
of a degree, which is exact to a micrometre, for the shortest wave is 1/3 of a degree long. The first step takes the slopes from
the same parabolas; each one after it divides what is left by a thousand or more. Where the root of the distance from 105 E bends
too sharply for parabolas, nothing is said.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

PER_DEGREE = 1024
MIDDLE, MIDDLE_LAT, SHARP_DEG = 105.0, 35.0, 0.25
"""Within so many degrees of the first, a meridian, the tables do not hold."""


Parabolas = tuple[NDArray[Any], NDArray[Any], NDArray[Any]]
"""``a``, ``b`` and ``c`` of ``a + t (b + t c)`` for each step, ``t`` from 0 to 1 along it."""


# A step that moves no position by more leaves errors of a thousandth of it.
_STILL_DEG = 4e-7
_MOST_STEPS = 4
_MOST_SHIFT_DEG = 0.05


class Tables(NamedTuple):
    """Parabolas of longitude, and of latitude, in steps of 1 / ``PER_DEGREE``.

    ``east`` and ``north`` are what the longitude adds to the shifts, metres; ``common`` what the latitude adds to the north
    shift, metres; ``per_east`` and ``per_north`` are degrees for a metre.
    """

    east: Parabolas
    north: Parabolas
    common: Parabolas
    per_east: Parabolas
    per_north: Parabolas


class Unshift:
    """The inverse of a shift, from what longitude and latitude add to it; made once for all arrays.

    ``parts`` are values at the ends and middles of all steps from ``west`` and ``south`` on, in the order of ``Tables``.
    """

    def __init__(self, west: float, south: float, parts: tuple[Floats, Floats, Floats, Floats, Floats]) -> None:
        self._west, self._south = west, south
        self._double = Tables(*map(_parabolas, parts))
        self._single = Tables(*(tuple(part.astype(np.float32) for part in parabolas) for parabolas in self._double))  # type: ignore[arg-type]

    def __call__(self, lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
        """Return the WGS 84 positions whose shifted forms are given, as if the shift had no box; degrees.

        Positions within ``SHARP_DEG`` of ``MIDDLE`` and beyond the tables come out wrong: the caller must not ask for them.
        """
        guess_east, guess_north = self._guess(lon, lat)
        x, y = lon - guess_east, lat - guess_north
        # The first step is out by 1e-8 degrees in any case, so that single precision does.
        (east, north), (east_x, east_y, north_x, north_y) = self._first(x, y)
        east_x += 1.0
        north_y += 1.0
        scale = 1.0 / (east_x * north_y - east_y * north_x)
        east_x, east_y, north_x, north_y = (part * scale for part in (east_x, east_y, north_x, north_y))
        east -= guess_east
        north -= guess_north
        for _ in range(_MOST_STEPS):
            x -= north_y * east
            x += east_y * north
            y -= east_x * north
            y += north_x * east
            if _largest(east, north) < _STILL_DEG:
                break
            east, north = self._shift(x, y)
            east += x
            east -= lon
            north += y
            north -= lat
        return x, y

    def _guess(self, lon: Floats, lat: Floats) -> tuple[float, float]:
        """Return about how far positions are shifted: what one of them is, since those that come together are near each other."""
        middle = slice(len(lon) // 2, len(lon) // 2 + 1)
        east, north = self._shift(lon[middle], lat[middle])
        if not len(east) or not abs(east[0]) + abs(north[0]) < _MOST_SHIFT_DEG:
            return 0.0, 0.0
        return float(east[0]), float(north[0])

    def _first(self, lon: Floats, lat: Floats) -> tuple[tuple[Any, Any], tuple[Any, Any, Any, Any]]:
        """Return the shift in degrees, and its slopes: of the east shift along longitude and latitude, then of the north shift."""
        made = self._single
        at, t = _place(lon, self._west)
        t = t.astype(np.float32)
        east, east_x = _value_and_slope(made.east, at, t)
        north, north_x = _value_and_slope(made.north, at, t)
        at, t = _place(lat, self._south)
        t = t.astype(np.float32)
        common, north_y = _value_and_slope(made.common, at, t)
        per_east, per_east_y = _value_and_slope(made.per_east, at, t)
        per_north = _value(made.per_north, at, t)
        x, y = (lon - MIDDLE).astype(np.float32), (lat - MIDDLE_LAT).astype(np.float32)
        x *= np.float32(0.1)
        across = x + np.float32(2.0)
        east += across * y
        per_east_y *= east
        north += common
        north += x * y
        y *= np.float32(0.1)
        east_x += y
        north_x += y
        north_y += x
        across *= per_east
        across += per_east_y
        east *= per_east
        east_x *= per_east
        north *= per_north
        north_x *= per_north
        north_y *= per_north
        return (east, north), (east_x, across, north_x, north_y)

    def _shift(self, lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
        made = self._double
        at, t = _place(lon, self._west)
        east, north = _value(made.east, at, t), _value(made.north, at, t)
        at, t = _place(lat, self._south)
        north += _value(made.common, at, t)
        x, y = lon - MIDDLE, lat - MIDDLE_LAT
        x *= 0.1
        north += x * y
        x += 2.0
        x *= y
        east += x
        east *= _value(made.per_east, at, t)
        north *= _value(made.per_north, at, t)
        return east, north


def _largest(east: NDArray[Any], north: NDArray[Any]) -> float:
    """Return the longest step, of those that are numbers."""
    return float(max(np.fmax.reduce(np.abs(east), initial=0.0), np.fmax.reduce(np.abs(north), initial=0.0)))


def _parabolas(values: Floats) -> Parabolas:
    """Return the parabolas through values at the ends and middles of the steps."""
    start, middle, end = values[:-1:2], values[1::2], values[2::2]
    bend = 2.0 * (start + end - 2.0 * middle)
    return start.copy(), end - start - bend, bend


def _place(value: Floats, start: float) -> tuple[NDArray[np.intp], Floats]:
    """Return the step that each coordinate is in, and how far along it."""
    t = value - start
    t *= PER_DEGREE
    at = t.astype(np.intp)
    t -= at
    return at, t


def _value(parabolas: Parabolas, at: NDArray[np.intp], t: NDArray[Any]) -> Any:
    start, climb, bend = parabolas
    value = bend.take(at, mode="clip")
    value *= t
    value += climb.take(at, mode="clip")
    value *= t
    value += start.take(at, mode="clip")
    return value


def _value_and_slope(parabolas: Parabolas, at: NDArray[np.intp], t: NDArray[Any]) -> tuple[Any, Any]:
    start, climb, bend = parabolas
    slope = bend.take(at, mode="clip")
    slope *= t
    rise = climb.take(at, mode="clip")
    rise += slope
    slope += rise
    slope *= PER_DEGREE
    rise *= t
    rise += start.take(at, mode="clip")
    return rise, slope
