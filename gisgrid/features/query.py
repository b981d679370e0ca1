"""What is asked of a layer: which features, in which order, which of their fields, in which coordinate system."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

from gisgrid.cql2 import Filter
from gisgrid.layers import Layer
from gisgrid.types import Bounds

MOST_FEATURES = 10_000
"""Most features of one page."""

SRID = 4326
"""The number of the system that features are stored in; longitude before latitude."""

IN_DEGREES = frozenset({4326, 4490})
"""The systems of longitude and latitude; WGS 84 and CGCS2000 count as equal."""

NORTH_FIRST = frozenset({4326, 4490, 4549, 4528})
"""The systems whose register puts the north before the east."""


class Box(NamedTuple):
    """A box that features meet: ``bounds`` in the system ``srid``, x (east) before y (north) whatever its register says.

    In degrees a west that is greater than the east goes across 180 degrees.
    """

    bounds: Bounds
    srid: int = SRID


class Period(NamedTuple):
    """A period of days, both included; None where it is open. An instant has the same day twice."""

    start: date | None
    end: date | None


class Sort(NamedTuple):
    """A field to sort by; missing values come last, either way."""

    field: str
    descending: bool = False


class FeatureQuery(NamedTuple):
    """Which features of ``layer``: all conditions together; and how they are given.

    ``equal`` are fields with the text of the value that they must have, ``words`` terms of which one must be found in a
    feature's texts, ``fields`` those that are given (None: all). Features come in order of ``sort`` and then of their id.
    Geometry is given in the system ``srid``, in the order of axes of its register when ``register_order``, else x before y.
    """

    layer: Layer
    box: Box | None = None
    filter: Filter | None = None
    equal: tuple[tuple[str, str], ...] = ()
    period: Period | None = None
    words: tuple[str, ...] = ()
    fields: tuple[str, ...] | None = None
    sort: tuple[Sort, ...] = ()
    srid: int = SRID
    register_order: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether nothing but a box restricts what is found."""
        return not (self.filter or self.equal or self.period or self.words)

    @property
    def is_flipped(self) -> bool:
        """Whether geometry is given with y before x."""
        return self.register_order and self.srid in NORTH_FIRST
