"""The parameters of reading cases, declared once, and what their values choose."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from api.params import Parameter, parse_count, parse_flag, parse_number, parse_words
from gisgrid.cases.decision import STATES
from gisgrid.crs import WGS84, parse_crs, to_wgs84
from gisgrid.db.cases import CaseFilter
from gisgrid.db.cases.reader import GROUPS
from gisgrid.errors import ParameterError
from gisgrid.services.cases.rows import parse_time
from gisgrid.types import Bounds

MAX_PAGE = 1000
"""Most cases of one page."""

_PAGE = 100
_KINDS = ("component", "event")
_MOST_WORDS = 100
_MOST_BY = 2
_TEXT = {"type": "string"}
_INSTANT = {"type": "string", "anyOf": [{"format": "date-time"}, {"format": "date"}]}


def _words(name: str, what: str, choices: tuple[str, ...] = ()) -> Parameter:
    schema: dict[str, object] = {"type": "string"}
    if choices:
        schema["pattern"] = f"^({'|'.join(choices)})(,({'|'.join(choices)}))*$"
    return Parameter(name, f"{what}; several with commas.", schema, None)


_FILTERS = (
    _words("state", "State of the case", STATES),
    _words("unit", "Code of the unit that has to act"),
    _words("grid", "Code of the grid"),
    _words("community", "Code of the community"),
    _words("street", "Code of the street"),
    _words("category", "Class code, or category as it was given"),
    _words("kind", "Component or event", _KINDS),
    _words("source", "Where the report came from"),
    Parameter("since", "Reported at this time or later: RFC 3339 with an offset, or a day of the city.", _INSTANT, None),
    Parameter(
        "until", "Reported before this time: RFC 3339 with an offset, or a day of the city, which is left out itself.", _INSTANT, None
    ),
    Parameter(
        "overdue", "`true`: open, and the deadline is over; `false`: all others.", {"type": "string", "enum": ["true", "false"]}, None
    ),
    Parameter("bbox", "West, south, east, north, with commas, in the system that `crs` names.", _TEXT, None),
    Parameter("crs", "System of `bbox`, in degrees; by default `wgs84`.", _TEXT, None),
    Parameter("q", "Words in the number, category, address or description.", {"type": "string", "maxLength": _MOST_WORDS}, None),
)


def _named(*parameters: Parameter) -> dict[str, Parameter]:
    return {one.name: one for one in parameters}


LIST_PARAMETERS = _named(
    *_FILTERS,
    Parameter("limit", "Most cases of the page.", {"type": "integer", "minimum": 1, "maximum": MAX_PAGE, "default": _PAGE}, None),
    Parameter("cursor", "`next` of the page before.", _TEXT, None),
)
"""``GET /cases``."""

STATISTICS_PARAMETERS = _named(
    Parameter(
        "by",
        f"What to count by, one or two of {', '.join(GROUPS)}, with commas; without it all together.",
        {"type": "string", "pattern": f"^({'|'.join(GROUPS)})(,({'|'.join(GROUPS)}))?$"},
        "street",
    ),
    *_FILTERS,
)
"""``GET /cases/statistics``."""

INTAKE_PARAMETERS = _named(
    Parameter(
        "dry_run",
        "`true`: answer what would be decided, and keep nothing.",
        {"type": "string", "enum": ["true", "false"], "default": "false"},
        None,
    ),
)
"""``POST /cases``."""


def parse_filter(values: Mapping[str, str], zone: str) -> CaseFilter:
    """Return the choice that parameters make; raises ParameterError that names the one which cannot be."""
    choices: dict[str, tuple[str, ...]] = {"state": STATES, "kind": _KINDS}
    names = ("state", "unit", "grid", "community", "street", "category", "kind", "source")
    words: dict[str, Any] = {name: parse_words(name, values[name], choices.get(name, ())) for name in names if name in values}
    local = ZoneInfo(zone)
    times: dict[str, Any] = {name: parse_time(name, values[name], local) for name in ("since", "until") if name in values}
    overdue = parse_flag("overdue", values["overdue"]) if "overdue" in values else None
    phrase = values.get("q", "").strip()
    if len(phrase) > _MOST_WORDS:
        raise ParameterError("q", f"has {len(phrase)} characters.", f"at most {_MOST_WORDS}")
    return CaseFilter(**words, **times, overdue=overdue, box=_box(values), words=phrase)


def parse_limit(values: Mapping[str, str]) -> int:
    """Return how many cases a page has."""
    return parse_count("limit", values["limit"], MAX_PAGE) if "limit" in values else _PAGE


def parse_by(values: Mapping[str, str]) -> list[str]:
    """Return what cases are counted by, in the order that was asked for."""
    if "by" not in values:
        return []
    names = values["by"].split(",")
    for name in names:
        if name not in GROUPS:
            raise ParameterError("by", f"{name[:40]!r} is not known.", f"one or two of {', '.join(GROUPS)}, with a comma")
    if len(names) > _MOST_BY or len(set(names)) < len(names):
        raise ParameterError("by", "names too much, or one thing twice.", f"one or two of {', '.join(GROUPS)}, with a comma")
    return names


def _box(values: Mapping[str, str]) -> Bounds | None:
    if "bbox" not in values:
        if "crs" in values:
            raise ParameterError("crs", "goes with bbox.", "bbox beside it")
        return None
    expected = "west,south,east,north in degrees, longitude before latitude"
    parts = values["bbox"].split(",")
    if len(parts) != 4:
        raise ParameterError("bbox", f"has {len(parts)} numbers.", expected)
    west, south, east, north = (parse_number("bbox", part, expected) for part in parts)
    crs = parse_crs(values["crs"]) if "crs" in values else WGS84
    if crs.is_projected:
        raise ParameterError("crs", f"{crs} is in metres.", "wgs84, cgcs2000, gcj02 or bd09")
    if not (west <= east and south <= north):
        raise ParameterError("bbox", "is empty.", expected)
    (west, south), (east, north) = to_wgs84(crs, west, south), to_wgs84(crs, east, north)
    return Bounds(west, south, east, north)
