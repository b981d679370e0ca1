"""``/locate``, the nearest-feature routes and the cover concerned: from parameters to an answer out of memory, with no framework between.

Each answer comes from one snapshot, taken once: it never mixes two versions of the data.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection
from datetime import datetime
from typing import NamedTuple

from api.asgi import Reply, Scope, json_reply
from api.backend import Backend
from api.lookup_params import (
    LOCATE_PARAMETERS,
    MATCH_PARAMETERS,
    NEAREST_PARAMETERS,
    parse_accuracy,
    parse_as_of,
    parse_beside,
    parse_hints,
    parse_nearest,
)
from api.params import parse_query
from api.plain import whole_document
from api.points import AskedPoint, parse_point
from gisgrid.services import (
    AreasThen,
    Currency,
    Place,
    Snapshot,
    Sources,
    cover_document,
    locate_document,
    nearest_documents,
)

Document = dict[str, object]


class Lookup(NamedTuple):
    """A lookup as it was asked for: ``instant`` is None for now, ``needs`` are the features that ``make`` asks for.

    ``make`` returns the members of the answer, from one state of the data.
    """

    point: AskedPoint
    accuracy_m: float | None
    instant: datetime | None
    needs: Collection[str]
    make: Callable[[Sources, Place], Document]


def locate(backend: Backend, scope: Scope) -> Reply | Awaitable[Reply]:
    """Answer ``GET /locate``: the grid, community, street and district of a point, who is responsible, and what else was asked for."""
    values = parse_query(scope["query_string"], LOCATE_PARAMETERS)
    point = parse_point(values, backend.settings.default_crs)
    beside, accuracy_m, instant = parse_beside(values), parse_accuracy(values), parse_as_of(values)
    if accuracy_m is None and instant is None:
        reply = backend.plain.reply(point, beside)
        if reply is not None:
            return reply

    def make(sources: Sources, place: Place) -> Document:
        return locate_document(sources, place, beside)

    return _answer(backend, Lookup(point, accuracy_m, instant, beside.features, make))


def nearest(backend: Backend, layer_id: str, scope: Scope) -> Reply | Awaitable[Reply]:
    """Answer ``GET /{layer}/nearest``: the features of a layer around a point, the nearest on the ground first."""
    values = parse_query(scope["query_string"], NEAREST_PARAMETERS[layer_id])
    point = parse_point(values, backend.settings.default_crs)
    asked = parse_nearest(values, layer_id, backend.settings)

    def make(sources: Sources, place: Place) -> Document:
        return {"point": place.as_document(), "features": nearest_documents(sources, layer_id, place, asked)}

    needs = (layer_id,) if asked.sight == "no" else (layer_id, "sight")
    return _answer(backend, Lookup(point, None, parse_as_of(values), needs, make))


def match(backend: Backend, scope: Scope) -> Reply | Awaitable[Reply]:
    """Answer ``GET /manhole_covers/match``: which cover a report about a point concerns."""
    values = parse_query(scope["query_string"], MATCH_PARAMETERS)
    point = parse_point(values, backend.settings.default_crs)
    hints = parse_hints(values)

    def make(sources: Sources, place: Place) -> Document:
        return {"point": place.as_document(), **cover_document(sources, place, hints)}

    return _answer(backend, Lookup(point, parse_accuracy(values), parse_as_of(values), ("manhole_covers",), make))


def _answer(backend: Backend, lookup: Lookup) -> Reply | Awaitable[Reply]:
    """Answer from what is served now, or was then; what has to be read for that has to be waited for."""
    model = backend.model
    # Before the snapshot: should the data catch up between the two, the answer is newer than it says, never older.
    currency = model.currency()
    now = model.snapshot
    point, instant = lookup.point, lookup.instant
    place = Place(*model.to_wgs84(point.first, point.second, point.crs), point.crs, lookup.accuracy_m)
    if "sight" in lookup.needs and not now.sights.is_ready:
        return asyncio.to_thread(_answer_from, lookup, place, now, currency)
    if instant is None:
        return _reply(lookup, place, now, currency, None)
    then = now.history.at_hand(instant, now, lookup.needs)
    if then is None:
        return asyncio.to_thread(_answer_from, lookup, place, now, currency)
    return _reply(lookup, place, now, currency, then)


def _answer_from(lookup: Lookup, place: Place, now: Snapshot, currency: Currency) -> Reply:
    """Return the answer, with all that has to be read or made for it."""
    then = None if lookup.instant is None else now.history.at(lookup.instant, now, lookup.needs)
    return _reply(lookup, place, now, currency, then)


def _reply(lookup: Lookup, place: Place, now: Snapshot, currency: Currency, then: AreasThen | None) -> Reply:
    """Return an answer: the point as it was asked for, what was found, and of when that is."""
    document = whole_document(lookup.point.as_document(), lookup.make(then or now, place), now, currency)
    if then is not None:
        document |= then.as_document()
    return json_reply(document)
