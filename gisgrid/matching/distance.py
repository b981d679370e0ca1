"""How positions err: the density of reports around a cover, by distance."""

from __future__ import annotations

import math
from collections.abc import Iterable

DEFAULT_ACCURACY_M = 10.0
"""Radius of the uncertainty of a position for which none is given, metres: what a telephone reaches between houses."""

NOT_RECORDED = 0.05
"""Covers that are on the ground and not in the data, for each one that is."""

# As telephones mean it: in two cases of three the true place is within the radius.
_RADIUS_IN_SIGMAS = 1.515
# One position in ten is much farther off than it says: set by hand, or taken from where the reporter stood.
_FAR_OFF, _FAR_OFF_TIMES = 0.1, 3.0
# The far-off positions hardly reach beyond.
_REACH_SIGMAS, _LEAST_REACH_M = 8.0, 20.0

# How well places in the data are known, metres: surveys of well-defined parts keep to half a metre (class A), then one (B) and ten (C).
_SURVEY_M = {"实测": 0.5, "地形图": 1.0, "基础地理数据": 1.0, "其他": 10.0}
_SURVEY_UNTOLD_M = 1.0


class PositionError:
    """The error of a position: a normal one in each direction, with one position in ten three times as far off.

    ``accuracy_m`` is the radius within which the true place lies in two cases of three, metres; ``source`` is the field
    ``data_source`` of a cover, which tells how well its own place is known.
    """

    def __init__(self, accuracy_m: float | None = None) -> None:
        self._sigma_m = (DEFAULT_ACCURACY_M if accuracy_m is None else accuracy_m) / _RADIUS_IN_SIGMAS
        self._best_m = math.hypot(self._sigma_m, min(_SURVEY_M.values()))
        self._by_source: dict[object, tuple[float, float, float]] = {
            source: self._terms(survey_m) for source, survey_m in _SURVEY_M.items()
        }
        self._untold = self._terms(_SURVEY_UNTOLD_M)
        self.reach_m = max(_REACH_SIGMAS * self._best_m, _LEAST_REACH_M)
        """How far off covers are worth looking at, metres."""

    def _terms(self, survey_m: float) -> tuple[float, float, float]:
        """Return the factors of the near and the far-off positions at no distance, and what to multiply a squared distance by."""
        near = (self._best_m / math.hypot(self._sigma_m, survey_m)) ** 2
        return (1 - _FAR_OFF) * near, _FAR_OFF / _FAR_OFF_TIMES**2 * near, -0.5 * near / self._best_m**2

    def value(self, distance_m: float, source: object) -> float:
        """Return the density of reports at a distance from a cover, over the greatest that there can be.

        >>> [round(PositionError(10.0).value(distance_m, "实测"), 3) for distance_m in (0.0, 10.0, 30.0)]
        [0.911, 0.297, 0.004]
        """
        return self.values([(distance_m, source)])[0]

    def values(self, covers: Iterable[tuple[float, object]]) -> list[float]:
        """Return ``value`` for distances and sources."""
        exp, terms, untold, squared = math.exp, self._by_source.get, self._untold, _FAR_OFF_TIMES**2
        found = []
        for distance_m, source in covers:
            near, far, by = terms(source, untold)
            half = by * distance_m * distance_m
            found.append(near * exp(half) + far * exp(half / squared))
        return found

    def usual_m(self, source: object) -> float:
        """Return the distance from a cover within which two reports of three lie, metres."""
        survey_m = _SURVEY_M.get(source, _SURVEY_UNTOLD_M) if isinstance(source, str) else _SURVEY_UNTOLD_M
        return math.hypot(self._sigma_m, survey_m) * _RADIUS_IN_SIGMAS

    def area_unseen_m2(self, seen_m: float) -> float:
        """Return the integral of ``value``, square metres, over the covers that were not looked at.

        That is everywhere for those that are not in the data, and beyond ``seen_m`` for those that are.
        """
        half = -0.5 * (seen_m / self._best_m) ** 2
        beyond = (1 - _FAR_OFF) * math.exp(half) + _FAR_OFF * math.exp(half / _FAR_OFF_TIMES**2)
        return 2.0 * math.pi * self._best_m**2 * (NOT_RECORDED + beyond)
