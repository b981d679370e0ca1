"""``/geocode``: an address to a point, with how sure that is; all answers come from memory, from one snapshot."""

from __future__ import annotations

from api.asgi import Reply, Scope, json_reply
from api.backend import Backend
from api.params import Parameter, parse_count, parse_flag, parse_query
from gisgrid.errors import ParameterError
from gisgrid.services.geocoding.answers import MAX_ADDRESS, MOST_PLACES, checked_address, geocode_document

_ADDRESS = "市北区连云港路41号"
_LIMIT = 5
_WORDS = {"type": "string", "minLength": 1, "maxLength": MAX_ADDRESS}

GEOCODE_PARAMETERS = {
    parameter.name: parameter
    for parameter in (
        Parameter("q", "An address, a crossing of roads, or the name of a place, as people write it.", _WORDS, _ADDRESS, required=True),
        Parameter(
            "limit",
            "How many places at most: the best, and alternatives.",
            {"type": "integer", "minimum": 1, "maximum": MOST_PLACES, "default": _LIMIT},
            None,
        ),
        Parameter("explain", "Whether to tell each step: how the text was read, and what was found.", {"type": "boolean"}, None),
    )
}


def geocode(backend: Backend, scope: Scope) -> Reply:
    """Answer ``GET /geocode``: the place that an address means, how exact and how sure, and what else it may mean."""
    values = parse_query(scope["query_string"], GEOCODE_PARAMETERS)
    if "q" not in values:
        raise ParameterError("q", "is missing.", "an address, a crossing, or the name of a place")
    address = checked_address(values["q"])
    limit = parse_count("limit", values["limit"], MOST_PLACES) if "limit" in values else _LIMIT
    explain = "explain" in values and parse_flag("explain", values["explain"])
    # Before the snapshot, as for all lookups: the answer may be newer than it says, never older.
    currency = backend.model.currency()
    now = backend.model.snapshot
    found = geocode_document(now, address, explain=explain, limit=limit)
    return json_reply({"query": address, **found, "data_version": now.version, **currency.as_document()})
