"""The requests of the client, apart from how they are sent: what to ask, and how to read the answer."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Sized
from datetime import datetime
from itertools import islice
from types import MappingProxyType
from typing import Generic, NamedTuple, Protocol, TypeVar
from urllib.parse import quote
from uuid import uuid4

import orjson

from gisgrid.client import addresses, answers, reports
from gisgrid.client.addresses import GeocodeAnswer, ReverseAnswer, Suggestion
from gisgrid.client.answers import ConvertAnswer, CoverAnswer, Document, LocateAnswer, NearestAnswer, NotLocated
from gisgrid.client.reports import Case, CasePage
from gisgrid.errors import CrsError, ParameterError
from gisgrid.types import Location

T = TypeVar("T")
P = TypeVar("P", bound=Sized)
Item = TypeVar("Item")

JSON = "application/json"

Coordinate = float | str | None
"""A coordinate as it is sent: a number, or what is none, for the server to say so."""

Place = tuple[Coordinate, Coordinate]
"""Longitude and latitude, or easting and northing where the coordinate system is projected."""


DEFAULT_PIECE = 5000
"""Places or addresses in one request of a batch."""

CASES_PAGE = 500
"""Cases in one answer of a list."""

_NONE: Mapping[str, str] = MappingProxyType({})


class Call(NamedTuple, Generic[T]):
    """One request: a GET with ``parameters``, or a POST of ``body``; ``read`` makes the answer of what comes back, of the same type."""

    path: str
    parameters: Mapping[str, str]
    body: bytes | None
    read: Callable[[bytes], T]
    media_type: str = JSON
    headers: Mapping[str, str] = _NONE

    @property
    def method(self) -> str:
        """GET, or POST when there is a body."""
        return "GET" if self.body is None else "POST"


class Pieces(Protocol[P]):
    """Parts of a batch, one for each request; who finds that they are more than a server takes has them made smaller."""

    def __iter__(self) -> Iterator[P]: ...

    def halves(self, part: P) -> tuple[P, P]:
        """Return a part that was too large in two; the next parts are to be no larger than these."""


class Asked(NamedTuple):
    """A place and the coordinate system it is in."""

    place: tuple[float, float]
    crs: str | None

    def parameters(self) -> dict[str, str]:
        """Return the place as the API takes it; raises CrsError when no coordinate system is named: none is ever assumed."""
        # Under these names the API takes eastings and northings too; which systems are projected it knows, not we.
        return {"lon": repr(float(self.place[0])), "lat": repr(float(self.place[1])), "crs": named(self.crs)}


def named(crs: str | None) -> str:
    """Return the name of a coordinate system; raises CrsError when there is none: none is ever assumed."""
    if crs is None:
        raise CrsError("no coordinate system is given, and none is assumed.", "crs here, or for the whole client: Client(crs='gcj02')")
    return crs


def locate(asked: Asked, include: str | Sequence[str], options: Mapping[str, object]) -> Call[LocateAnswer]:
    """Return the request for one place; ``include`` are names, or a text with commas."""
    beside = include if isinstance(include, str) else ",".join(include)
    return Call("/locate", asked.parameters() | written({**options, "include": beside or None}), None, _of_json(answers.read_locate))


def nearest(layer: str, asked: Asked, options: Mapping[str, object], where: Mapping[str, object]) -> Call[NearestAnswer]:
    """Return the request for the features of a layer nearest to a place."""
    return Call(f"/{layer}/nearest", asked.parameters() | written(options) | written(where), None, _of_json(answers.read_nearest))


def match_cover(asked: Asked, options: Mapping[str, object]) -> Call[CoverAnswer]:
    """Return the request for the manhole cover that a case at a place is about."""
    return Call("/manhole_covers/match", asked.parameters() | written(options), None, _of_json(answers.read_cover))


def convert(asked: Asked, to: str) -> Call[ConvertAnswer]:
    """Return the request for a place in another coordinate system; raises ParameterError for several at once."""
    if "," in to:
        raise ParameterError("to", f"{to!r} names several coordinate systems.", "one; ask for each")
    return Call("/convert", asked.parameters() | {"to": to}, None, _of_json(answers.read_convert))


def batch(places: Sequence[Place], crs: str | None, as_of: datetime | str | None) -> Call[list[Location | NotLocated]]:
    """Return the request for many places at once."""
    points = [{"lon": _coordinate(first), "lat": _coordinate(second)} for first, second in places]
    body = {"crs": named(crs), "points": points, **written({"as_of": as_of})}
    return Call("/locate/batch", {}, orjson.dumps(body), _of_json(answers.read_batch))


def geocode(text: str, options: Mapping[str, object]) -> Call[GeocodeAnswer]:
    """Return the request for the place that an address means."""
    return Call("/geocode", {"q": text} | written(options), None, _of_json(addresses.read_geocode))


def geocode_batch(texts: Sequence[str], limit: int) -> Call[list[GeocodeAnswer | NotLocated]]:
    """Return the request for many addresses at once."""
    body = {"addresses": list(texts), "limit": limit}
    return Call("/geocode/batch", {}, orjson.dumps(body), _of_json(addresses.read_geocode_batch))


def reverse(asked: Asked, options: Mapping[str, object]) -> Call[ReverseAnswer]:
    """Return the request for the address that a place is at."""
    return Call("/reverse", asked.parameters() | written(options), None, _of_json(addresses.read_reverse))


def suggest(text: str, options: Mapping[str, object]) -> Call[tuple[Suggestion, ...]]:
    """Return the request for what somebody who has typed ``text`` may mean."""
    return Call("/suggest", {"q": text} | written(options), None, _of_json(addresses.read_suggest))


def report_case(members: Mapping[str, object], asked: Asked | None, key: str | None) -> Call[Case]:
    """Return the request that makes a case: its key is made once, so that however often it is sent there is one case."""
    place = {} if asked is None else {"lon": float(asked.place[0]), "lat": float(asked.place[1]), "crs": named(asked.crs)}
    body = orjson.dumps(reports.written_case(members) | place)
    return Call("/cases", {}, body, _of_json(reports.read_case), headers={"idempotency-key": str(uuid4()) if key is None else key})


def case(number: str) -> Call[Case]:
    """Return the request for one case."""
    return Call(f"/cases/{quote(number, safe='')}", {}, None, _of_json(reports.read_case))


def cases(filters: Mapping[str, object], cursor: str | None) -> Call[CasePage]:
    """Return the request for one page of cases: the first, or the one at ``cursor``."""
    return Call("/cases", {"limit": str(CASES_PAGE)} | written({**filters, "cursor": cursor}), None, _of_json(reports.read_page))


def _of_json(read: Callable[[Document], T]) -> Callable[[bytes], T]:
    return lambda content: read(orjson.loads(content))


def _coordinate(value: Coordinate) -> Coordinate:
    """Return a coordinate as JSON can hold it, so that one that is none is refused in its place and not with all the others."""
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None if value is None else str(value)
    if math.isnan(number):
        return None
    return number if math.isfinite(number) else str(number)


class Lists(Generic[Item]):
    """The places or addresses of a batch in lists of at most ``size``; who finds that a server takes fewer may make it smaller."""

    def __init__(self, items: Iterable[Item], size: int) -> None:
        if size < 1:
            raise ParameterError("piece", f"{size} is no number of them.", "a number, 1 or more")
        self._rest, self.size = iter(items), size

    def __iter__(self) -> Iterator[list[Item]]:
        while piece := list(islice(self._rest, self.size)):
            yield piece

    def halves(self, piece: list[Item]) -> tuple[list[Item], list[Item]]:
        """Return a piece that was too large in two parts; the next ones will be no larger than these."""
        half = (len(piece) + 1) // 2
        self.size = min(self.size, half)
        return piece[:half], piece[half:]


def written(options: Mapping[str, object]) -> dict[str, str]:
    """Return options as parameters of a query: None left out, several values with commas, instants in RFC 3339."""
    return {name: _text(value) for name, value in options.items() if value is not None}


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, (list, tuple, set, frozenset)):
        return ",".join(str(part) for part in value)
    return str(value)
