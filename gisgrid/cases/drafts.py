"""What is reported: read from a JSON object or a row of a file, checked, and cleaned of what is not to be kept."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from typing import NamedTuple

from gisgrid.crs import EXPECTED, Crs, parse_crs
from gisgrid.errors import CrsError, ParameterError, UsageError

MEMBERS = (
    *("source", "category", "description", "address", "lon", "lat", "x", "y", "crs", "accuracy_m"),
    *("component_code", "reported_at", "reporter"),
)
"""The members of a case as it is sent."""

MAX_ACCURACY_M = 10_000.0
"""Largest uncertainty of a position, metres."""

_LONGEST = {"source": 100, "category": 200, "description": 4000, "address": 500, "component_code": 64}
_REPORTER = ("name", "phone")
_SHOWN = 60
_AHEAD = timedelta(hours=24)
_EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
# Telephones (mobile, landline with or without area code) and identity numbers: kept nowhere but with the reporter. Letters and digits
# on either side belong to something else, as in a component's code.
_PERSONAL = re.compile(
    r"(?<![0-9A-Za-z])(?:"
    r"[1-9]\d{5}(?:18|19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dXx]"
    r"|(?:\+?86[- ]?)?1[3-9]\d[- ]?\d{4}[- ]?\d{4}"
    r"|0\d{2,3}[- ]?\d{7,8}"
    r")(?![0-9A-Za-z])"
)
_PLACEHOLDER = "〔略〕"
_TIME = re.compile(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?)\s*([Zz]|[+-]\d\d:?\d\d)?", re.ASCII)


class SaidPosition(NamedTuple):
    """A position as it was reported: longitude and latitude, or easting and northing, in ``crs`` (None: it was not said which).

    ``accuracy_m`` is the radius of its uncertainty, metres; None where not said.
    """

    first: float
    second: float
    crs: Crs | None
    accuracy_m: float | None = None

    def as_document(self) -> dict[str, object]:
        """Return the position as it was sent."""
        names = ("x", "y") if self.crs is not None and self.crs.is_projected else ("lon", "lat")
        document: dict[str, object] = {names[0]: self.first, names[1]: self.second, "crs": None if self.crs is None else self.crs.name}
        return document if self.accuracy_m is None else document | {"accuracy_m": self.accuracy_m}


class Reporter(NamedTuple):
    """Who reported a case: personal data, kept apart."""

    name: str = ""
    phone: str = ""


class CaseDraft(NamedTuple):
    """A case as it was reported. ``reported_at`` is an aware time, None where not said; texts hold no telephones."""

    source: str
    category: str
    description: str = ""
    address: str = ""
    position: SaidPosition | None = None
    component_code: str = ""
    reported_at: datetime | None = None
    reporter: Reporter | None = None

    @property
    def text(self) -> str:
        """All that the report says in words."""
        return f"{self.category} {self.description}"

    def as_document(self) -> dict[str, object]:
        """Return what was sent, without the reporter."""
        return {
            "source": self.source,
            "category": self.category,
            "description": self.description,
            "address": self.address,
            "position": None if self.position is None else self.position.as_document(),
            "component_code": self.component_code or None,
            "reported_at": None if self.reported_at is None else self.reported_at.isoformat(),
        }


class Reading(NamedTuple):
    """How reports are read: the system assumed for positions that name none (None: they must), the zone of times without an offset.

    ``needs_crs`` says that a position without a system is refused; in rows of files it goes to the address, or to a person.
    """

    default_crs: str | None
    zone: tzinfo
    needs_crs: bool = True


def read_draft(document: object, reading: Reading, now: datetime) -> CaseDraft:
    """Return the case in a JSON object; raises ParameterError that names the member which cannot be, CrsError for a system."""
    if not isinstance(document, Mapping):
        raise UsageError("The case is not a JSON object.", f"It has the members {', '.join(MEMBERS)}.")
    for name in document:
        if name not in MEMBERS:
            raise ParameterError(str(name)[:_SHOWN], "there is no such member in a case.", f"only {', '.join(MEMBERS)}")
    source, category = _text(document, "source", required=True), _text(document, "category")
    description, address = without_personal(_text(document, "description")), without_personal(_text(document, "address"))
    if not category and not description:
        raise ParameterError("category", "is missing, and so is a description.", "a class code, or what people call it")
    position = _position(document, reading)
    component = _text(document, "component_code")
    if not address and position is None and not component:
        raise ParameterError("address", "nothing says where the case is.", "an address, a position (lon, lat, crs), or a component_code")
    reported_at = _instant(document.get("reported_at"), reading.zone, now)
    return CaseDraft(source, category, description, address, position, component, reported_at, _reporter(document.get("reporter")))


def without_personal(text: str) -> str:
    """Return a text without telephones and identity numbers.

    >>> without_personal("延安路41号，电话13812345678")
    '延安路41号，电话〔略〕'
    """
    return _PERSONAL.sub(_PLACEHOLDER, text)


def draft_from(document: Mapping[str, object]) -> CaseDraft:
    """Return the case that ``CaseDraft.as_document`` wrote."""
    said = document["position"]
    position = None
    if isinstance(said, Mapping):
        names = ("x", "y") if "x" in said else ("lon", "lat")
        system, accuracy_m = said["crs"], said.get("accuracy_m")
        position = SaidPosition(said[names[0]], said[names[1]], None if system is None else parse_crs(system), accuracy_m)
    at = document["reported_at"]
    source, category, description, address, component = (str(document[name] or "") for name in _LONGEST)
    reported_at = None if at is None else datetime.fromisoformat(str(at))
    return CaseDraft(source, category, description, address, position, component, reported_at)


def _text(document: Mapping[str, object], name: str, *, required: bool = False) -> str:
    value = document.get(name)
    if value is None:
        value = ""
    if not isinstance(value, str):
        raise ParameterError(name, f"{str(value)[:_SHOWN]!r} is not a text.", "a text")
    text = _CONTROL.sub(" ", value).strip()
    if required and not text:
        raise ParameterError(name, "is missing." if name not in document else "is empty.", "a text")
    if len(text) > _LONGEST[name]:
        raise ParameterError(name, f"has {len(text)} characters.", f"at most {_LONGEST[name]}")
    return text


def _position(document: Mapping[str, object], reading: Reading) -> SaidPosition | None:
    given = [name for name in ("lon", "lat", "x", "y") if document.get(name) is not None]
    if not given:
        return None
    system = _system(document, reading)
    projected = system is not None and system.is_projected
    names = ("x", "y") if (projected and "x" in given) or set(given) <= {"x", "y"} else ("lon", "lat")
    if names == ("x", "y") and not projected:
        raise ParameterError(given[0], "goes with a projected crs only.", "lon and lat in degrees, or a projected crs such as EPSG:4549")
    for name in given:
        if name not in names:
            raise ParameterError(name, f"is given beside {names[0]} and {names[1]}.", "either x and y, or lon and lat")
    first, second = (_number(document, name) for name in names)
    return SaidPosition(first, second, system, _accuracy(document))


def _system(document: Mapping[str, object], reading: Reading) -> Crs | None:
    name = document.get("crs") or reading.default_crs
    if name is None:
        if reading.needs_crs:
            raise CrsError("no coordinate system is given, and none is assumed.", EXPECTED)
        return None
    if not isinstance(name, str):
        raise CrsError(f"{str(name)[:_SHOWN]!r} is not a text.", EXPECTED)
    return parse_crs(name)


def _number(document: Mapping[str, object], name: str) -> float:
    value = document.get(name)
    if isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e12:
        return float(value)
    raise ParameterError(name, "is missing." if value is None else f"{str(value)[:_SHOWN]!r} is not a number.", "a number")


def _accuracy(document: Mapping[str, object]) -> float | None:
    value = document.get("accuracy_m")
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0.0 <= value <= MAX_ACCURACY_M:
        raise ParameterError("accuracy_m", f"{str(value)[:_SHOWN]!r} is no such distance.", f"metres from 0 to {MAX_ACCURACY_M:g}")
    return float(value)


def _instant(value: object, zone: tzinfo, now: datetime) -> datetime | None:
    if value is None or value == "":
        return None
    expected = "a time such as 2026-11-22T09:00:00+08:00; without an offset it is the time of the city"
    found = _TIME.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        raise ParameterError("reported_at", f"{str(value)[:_SHOWN]!r} is not a time.", expected)
    try:
        at = datetime.fromisoformat(f"{found[1]}T{found[2]}{(found[3] or '').upper()}")
        at = (at.replace(tzinfo=zone) if at.tzinfo is None else at).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ParameterError("reported_at", f"{str(value)[:_SHOWN]!r} does not exist.", expected) from None
    if not _EARLIEST <= at <= now + _AHEAD:
        raise ParameterError(
            "reported_at", f"{str(value)[:_SHOWN]} is not a time at which this can have been reported.", "a time until now"
        )
    return at


def _reporter(value: object) -> Reporter | None:
    if value is None:
        return None
    if not isinstance(value, Mapping):
        raise ParameterError("reporter", "is not a JSON object.", '{"name": ..., "phone": ...}')
    for name, part in value.items():
        if name not in _REPORTER:
            raise ParameterError(f"reporter.{str(name)[:_SHOWN]}", "there is no such member.", f"only {', '.join(_REPORTER)}")
        if part is not None and (not isinstance(part, str) or len(part) > _LONGEST["source"]):
            raise ParameterError(f"reporter.{name}", "is not a short text.", f"a text of at most {_LONGEST['source']} characters")
    name, phone = (_CONTROL.sub(" ", value.get(part) or "").strip() for part in _REPORTER)
    return Reporter(name, phone) if name or phone else None
