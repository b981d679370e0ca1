"""The requests of the client, apart from how they are sent: what to ask, and how to read the answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any, Generic, NamedTuple, TypeVar

from gisgrid.client import answers
from gisgrid.client.answers import ConvertAnswer, CoverAnswer, Document, LocateAnswer, NearestAnswer, NotLocated
from gisgrid.errors import CrsError
from gisgrid.types import Location

T = TypeVar("T")

Place = tuple[float, float]
"""Longitude and latitude, or easting and northing where the coordinate system is projected."""


DEFAULT_PIECE = 5000
"""Places in one request of a batch."""


class Call(NamedTuple, Generic[T]):
    """One request: a GET with ``parameters``, or a POST of ``body`` as JSON; ``read`` makes the answer of its document."""

    path: str
    parameters: Mapping[str, str]
    body: Mapping[str, Any] | None
    read: Callable[[Document], T]

    @property
    def method(self) -> str:
        """GET, or POST when there is a body."""
        return "GET" if self.body is None else "POST"


class Asked(NamedTuple):
    """A place and the coordinate system it is in."""

    place: Place
    crs: str | None

    def parameters(self) -> dict[str, str]:
        """Return the place as the API takes it; raises CrsError when no coordinate system is named: none is ever assumed."""
        if self.crs is None:
            raise CrsError("no coordinate system is given, and none is assumed.", "crs here, or for the whole client: Client(crs='gcj02')")
        # Under these names the API takes eastings and northings too; which systems are projected it knows, not we.
        return {"lon": repr(float(self.place[0])), "lat": repr(float(self.place[1])), "crs": self.crs}


def locate(asked: Asked, options: Mapping[str, object]) -> Call[LocateAnswer]:
    """Return the request for one place."""
    return Call("/locate", asked.parameters() | written(options), None, answers.read_locate)


def nearest(layer: str, asked: Asked, options: Mapping[str, object], where: Mapping[str, object]) -> Call[NearestAnswer]:
    """Return the request for the features of a layer nearest to a place."""
    return Call(f"/{layer}/nearest", asked.parameters() | written(options) | written(where), None, answers.read_nearest)


def match_cover(asked: Asked, options: Mapping[str, object]) -> Call[CoverAnswer]:
    """Return the request for the manhole cover that a case at a place is about."""
    return Call("/manhole_covers/match", asked.parameters() | written(options), None, answers.read_cover)


def convert(asked: Asked, to: str) -> Call[ConvertAnswer]:
    """Return the request for a place in another coordinate system."""
    return Call("/convert", asked.parameters() | {"to": to}, None, answers.read_convert)


def batch(places: Sequence[Place], crs: str | None, as_of: datetime | str | None) -> Call[list[Location | NotLocated]]:
    """Return the request for many places at once."""
    named = Asked((0.0, 0.0), crs).parameters()["crs"]
    points = [{"lon": first, "lat": second} for first, second in places]
    body = {"crs": named, "points": points, **written({"as_of": as_of})}
    return Call("/locate/batch", {}, body, lambda document: [answers.read_result(result) for result in document["results"]])


def pieces(places: Iterable[Place], size: int) -> Iterator[list[Place]]:
    """Return the places in lists of ``size``, the last one shorter."""
    rest = iter(places)
    while piece := list(islice(rest, size)):
        yield piece


def written(options: Mapping[str, object]) -> dict[str, str]:
    """Return options as parameters of a query: None left out, several values with commas, instants in RFC 3339."""
    return {name: _text(value) for name, value in options.items() if value is not None and value != ()}


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, (list, tuple, set, frozenset)):
        return ",".join(str(part) for part in value)
    return str(value)
