"""The client that waits for each answer."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

import httpx

from gisgrid.client import calls, sending
from gisgrid.client.addresses import GeocodeAnswer, ReverseAnswer, Suggestion
from gisgrid.client.answers import ConvertAnswer, CoverAnswer, LocateAnswer, NearestAnswer, NotLocated
from gisgrid.client.calls import DEFAULT_PIECE, Asked, Call, P, Pieces, Place
from gisgrid.client.reports import Case
from gisgrid.errors import TooLargeError
from gisgrid.types import Location

if TYPE_CHECKING:
    import geopandas
    import pandas as pd

T = TypeVar("T")


class Client:
    """The HTTP API of one server. Close it when done, or use it in a ``with`` block; threads may share it.

    ``crs`` is the coordinate system of places where a call names none: ``wgs84``, ``cgcs2000``, ``gcj02``, ``bd09`` or
    ``EPSG:n``. What passes (a lost connection, 429, 502, 503, 504) is tried again ``retries`` times. Every method raises
    ParameterError, CrsError or UsageError for what the server refuses, NotFoundError, and UnavailableError when no answer came.
    """

    def __init__(
        self,
        url: str = sending.DEFAULT_URL,
        *,
        crs: str | None = None,
        timeout_s: float = 30.0,
        retries: int = 4,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.url, self.crs = url, crs
        self._policy = sending.Policy(timeout_s, retries)
        settings: dict[str, Any] = sending.settings(url, self._policy)
        self._http = httpx.Client(**settings, transport=transport)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def locate(
        self,
        first: float,
        second: float,
        *,
        crs: str | None = None,
        accuracy_m: float | None = None,
        as_of: datetime | str | None = None,
        include: str | Sequence[str] = (),
        **options: object,
    ) -> LocateAnswer:
        """Return where a place is: longitude and latitude (or x and y) in ``crs``; ``accuracy_m`` is its uncertainty in metres.

        ``include`` names what else to answer (``cameras``, ``manhole_covers``, ``building``, ``cover``); ``options`` are
        the other parameters of ``GET /locate``, such as ``sight=True`` or ``text="..."``.
        """
        asked = Asked((first, second), crs or self.crs)
        return self._send(calls.locate(asked, include, {"accuracy_m": accuracy_m, "as_of": as_of, **options}))

    def locate_many(
        self, places: Iterable[Place], *, crs: str | None = None, as_of: datetime | str | None = None, piece: int = DEFAULT_PIECE
    ) -> Iterator[Location | NotLocated]:
        """Yield the answer for each of any number of places, in their order: ``piece`` of them are asked for in one request.

        A place that cannot be answered is a ``NotLocated`` in its turn. Places are taken, and requests sent, as the answers
        are taken; where the server allows fewer places in one request, they become smaller.
        """
        for answers in self._answers(calls.Lists(places, piece), lambda part: calls.batch(part, crs or self.crs, as_of)):
            yield from answers

    def locate_frame(
        self,
        frame: pd.DataFrame,
        *,
        columns: Sequence[str] | None = None,
        crs: str | None = None,
        lon: str = "lon",
        lat: str = "lat",
        accuracy_m: float | str | None = None,
        as_of: datetime | str | None = None,
        piece: int | None = None,
    ) -> geopandas.GeoDataFrame:
        """Return a frame with the same rows, order and index, and the answers in more columns, as ``Locator.locate_frame`` has them.

        ``frame`` is a GeoDataFrame of points in its own coordinate system (``crs`` wins over it), or a table whose columns ``lon`` and
        ``lat`` hold longitude and latitude, or easting and northing. ``accuracy_m`` is the radius of the uncertainty in metres, or
        names its column. ``columns`` chooses from those of a batch. A row without an answer has ``status`` ``no_coordinates`` or
        ``invalid`` and a ``reason``. ``piece`` rows are asked for in one request. Raises ParameterError and CrsError before
        anything is sent.
        """
        from gisgrid.client import frames  # noqa: PLC0415 - brings GeoPandas, which only frames need

        asked = frames.asked_of(frame, frames.Wanted(columns, crs, (lon, lat), accuracy_m, as_of), self.crs)
        slices = frames.Slices(asked.rows, frames.DEFAULT_ROWS if piece is None else piece)
        return frames.beside(frame, asked, list(self._answers(slices, asked.call)))

    def nearest(
        self,
        layer: str,
        first: float,
        second: float,
        *,
        crs: str | None = None,
        k: int = 5,
        radius_m: float | None = None,
        as_of: datetime | str | None = None,
        sight: bool | str | None = None,
        target_height_m: float | None = None,
        **where: object,
    ) -> NearestAnswer:
        """Return the ``k`` features of ``cameras``, ``manhole_covers`` or ``buildings`` nearest to a place on the ground.

        ``where`` filters by fields, such as ``kind="sewage"`` or ``state=["missing", "broken"]``. For cameras ``sight=True``
        says of each whether it sees the place (``target_height_m`` above the ground), ``sight="seeing"`` gives only such.
        """
        options = {"k": k, "radius_m": radius_m, "as_of": as_of, "sight": sight, "target_height_m": target_height_m}
        return self._send(calls.nearest(layer, Asked((first, second), crs or self.crs), options, where))

    def match_cover(
        self,
        first: float,
        second: float,
        *,
        crs: str | None = None,
        text: str | None = None,
        accuracy_m: float | None = None,
        as_of: datetime | str | None = None,
        **options: object,
    ) -> CoverAnswer:
        """Return which manhole cover a case at a place is about; ``text`` is what the case says, ``options`` the other parameters."""
        asked = Asked((first, second), crs or self.crs)
        return self._send(calls.match_cover(asked, {"text": text, "accuracy_m": accuracy_m, "as_of": as_of, **options}))

    def convert(self, first: float, second: float, to: str, *, crs: str | None = None) -> ConvertAnswer:
        """Return a place in the coordinate system ``to``."""
        return self._send(calls.convert(Asked((first, second), crs or self.crs), to))

    def geocode(self, text: str, *, limit: int | None = None, explain: bool | None = None) -> GeocodeAnswer:
        """Return the place that an address means, how exact and how sure, and what else it may mean (``limit`` places at most).

        ``explain`` has each step told. Nothing found is an answer without ``best``, and no error.
        """
        return self._send(calls.geocode(text, {"limit": limit, "explain": explain}))

    def geocode_many(self, texts: Iterable[str], *, limit: int = 1, piece: int = DEFAULT_PIECE) -> Iterator[GeocodeAnswer | NotLocated]:
        """Yield the answer for each of any number of addresses, in their order: ``piece`` of them are asked for in one request.

        An address that cannot be answered (empty, too long) is a ``NotLocated`` in its turn; pieces are as with ``locate_many``.
        """
        for answers in self._answers(calls.Lists(texts, piece), lambda part: calls.geocode_batch(part, limit)):
            yield from answers

    def reverse(self, first: float, second: float, *, crs: str | None = None, limit: int | None = None) -> ReverseAnswer:
        """Return the address that a place is at, others near it, and the road beside it."""
        return self._send(calls.reverse(Asked((first, second), crs or self.crs), {"limit": limit}))

    def suggest(self, text: str, *, limit: int | None = None) -> tuple[Suggestion, ...]:
        """Return names and addresses that somebody who has typed ``text`` may be about to write, the likeliest first."""
        return self._send(calls.suggest(text, {"limit": limit}))

    def report_case(
        self,
        source: str,
        *,
        category: str | None = None,
        description: str | None = None,
        address: str | None = None,
        place: tuple[float, float] | None = None,
        crs: str | None = None,
        accuracy_m: float | None = None,
        component_code: str | None = None,
        reported_at: datetime | str | None = None,
        reporter: Mapping[str, str] | None = None,
        key: str | None = None,
    ) -> Case:
        """Report a case and return it as it was decided and kept; ``place`` is longitude and latitude (or x and y) in ``crs``.

        An address, a place or a component's code is needed, and a category or a description. A time without an offset is that
        of the city. The request has a key of its own, so that it makes one case however often it has to be sent; ``key`` in its
        place (a UUID, the number of another system) holds over calls: the same report with the same key is the same case.
        """
        members = {
            **{"source": source, "category": category, "description": description, "address": address, "accuracy_m": accuracy_m},
            **{"component_code": component_code, "reported_at": reported_at, "reporter": reporter},
        }
        asked = None if place is None else Asked(place, crs or self.crs)
        return self._send(calls.report_case(members, asked, key))

    def case(self, number: str) -> Case:
        """Return one case with its reasons and history (in ``document``); raises NotFoundError."""
        return self._send(calls.case(number))

    def cases(self, **filters: object) -> Iterator[Case]:
        """Yield the cases that ``filters`` choose, the newest first, page by page as they are taken.

        ``filters`` are the parameters of ``GET /cases``, such as ``state="needs_review"``, ``street=["370203014"]``, ``since``,
        ``until`` (times with an offset, or days of the city), ``overdue=True``, ``bbox``, ``q``.
        """
        cursor = None
        while True:
            page = self._send(calls.cases(filters, cursor))
            yield from page.cases
            if (cursor := page.next) is None:
                return

    def _answers(self, pieces: Pieces[P], call_of: Callable[[P], Call[T]]) -> Iterator[T]:
        for part in pieces:
            yield from self._answers_to(part, pieces, call_of)

    def _answers_to(self, part: P, pieces: Pieces[P], call_of: Callable[[P], Call[T]]) -> list[T]:
        """Return the answer to one part, or to each of the smaller ones that the server takes in its place."""
        try:
            return [self._send(call_of(part))]
        except TooLargeError:
            if len(part) == 1:
                raise
            return [answer for half in pieces.halves(part) for answer in self._answers_to(half, pieces, call_of)]

    def _send(self, call: Call[T]) -> T:
        arguments: dict[str, Any] = sending.content(call)
        attempts = sending.Attempts(self.url, self._policy)
        while True:
            outcome: httpx.Response | httpx.TransportError
            try:
                outcome = self._http.request(**arguments)
            except httpx.TransportError as error:
                outcome = error
            pause_s = attempts.pause_after(outcome)
            if pause_s is None and isinstance(outcome, httpx.Response):
                return sending.read(call, outcome)
            time.sleep(pause_s or 0.0)
