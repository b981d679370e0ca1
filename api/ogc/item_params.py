"""The parameters of a collection's items: declared for the API definition, and read into a query."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from functools import lru_cache, partial

import shapely

from api.ogc.crs import CRS84, System, parse_system, system_parameter
from api.ogc.downloads import BOM
from api.ogc.operations import Parameters
from api.params import TEXT_PATTERN, Parameter, parse_count, parse_flag, parse_number
from gisgrid.cql2 import Filter, parse
from gisgrid.cql2.placing import placed
from gisgrid.errors import ParameterError
from gisgrid.features import Box, FeatureQuery, Period, Sort
from gisgrid.features.places import shapes_of, to_lonlat
from gisgrid.features.query import MOST_FEATURES
from gisgrid.features.values import parse_date, parse_value
from gisgrid.layers import Field, Layer
from gisgrid.types import Bounds

MOST_OFFSET = 1_000_000
"""The greatest offset; farther on pages begin at a cursor."""

DEFAULT_LIMIT = 10
"""Features on a page where no limit is given."""

_MOST_OF_A_FILE = 999_999_999
_HUGE = re.compile(r"[1-9][0-9]{9,}", re.ASCII)
_MOST_KEYS = 5
_MOST_TERMS = 10
_LONGEST_TEXT = 500
_BOX = "4 numbers: the lower corner and the upper one, in the order of the axes of bbox-crs; or 6, with heights, which nothing here has"
_PERIOD = "a day or an instant (RFC 3339), or two of them with / between, .. for an open end"

_LIMIT = Parameter(
    "limit",
    f"Most features on a page, {DEFAULT_LIMIT} if not given, never more than {MOST_FEATURES:,}; of files: most features in all.",
    {"type": "integer", "minimum": 1, "default": DEFAULT_LIMIT},
    10,
)
_CURSOR = Parameter(
    "cursor",
    "Where the page begins: taken from a `next` link of the same query. However far in, a page costs what the first one does.",
    {"type": "string", "maxLength": 4096},
    None,
)
_OFFSET = Parameter(
    "offset",
    "How many features come before the page; all of them are read and thrown away. Cannot be given with `cursor`.",
    {"type": "integer", "minimum": 0, "maximum": MOST_OFFSET, "default": 0},
    0,
)
_BBOX = Parameter(
    "bbox",
    f"Only features that meet this box, and those without a place: {_BOX}. In degrees a west beyond the east goes across 180°.",
    {"type": "array", "items": {"type": "number"}, "oneOf": [{"minItems": 4, "maxItems": 4}, {"minItems": 6, "maxItems": 6}]},
    [120.36, 36.08, 120.38, 36.09],
)
_DATETIME = Parameter(
    "datetime",
    f"Only features of this time, and those without a day: {_PERIOD}. Days are those of the calendar that the instant is written in.",
    {"type": "string", "minLength": 1},
    "2019-01-01/..",
)
_PROPERTIES = Parameter("properties", "The fields that are given, with commas; all of them where it is not given.", {}, None)
_SORTBY = Parameter(
    "sortby",
    "Fields to sort by, with commas; - before one for descending. Missing values come last, the id decides between equals.",
    {},
    None,
)
_TERM = {"type": "string", "minLength": 1, "maxLength": 100, "pattern": TEXT_PATTERN}
_Q = Parameter(
    "q",
    "Only features with one of these terms (with commas) in a text, upper or lower case; the words of a term stand in that order there.",
    {"type": "array", "minItems": 1, "maxItems": _MOST_TERMS, "items": _TERM},
    ["延安路"],
)
_FILTER = Parameter("filter", "Only features for which this CQL2 filter is true.", {"type": "string", "minLength": 1}, "name LIKE '%1%'")
_FILTER_LANG = Parameter(
    "filter-lang",
    "The notation of `filter`.",
    {"type": "string", "enum": ["cql2-text", "cql2-json"], "default": "cql2-text"},
    "cql2-text",
)
_COUNT = Parameter(
    "count",
    "Tell `numberMatched` exactly, whatever it costs; else it is told where it is known.",
    {"type": "boolean", "default": False},
    True,
)
_CRS = system_parameter("crs", "The coordinate system that geometry is given in; coordinates in the order of its axes.")
_BBOX_CRS = system_parameter("bbox-crs", "The coordinate system of `bbox`.")
_FILTER_CRS = system_parameter("filter-crs", "The coordinate system of the shapes and boxes in `filter`.")

# A map asks with these alone, again and again; none of them is a condition but the box.
_NO_CONDITIONS = frozenset(("bbox", "bbox-crs", "crs", "limit", "cursor", "offset", "count", "f", "lang"))
# Four numbers as most write them.
_PLAIN_BOX = re.compile(r"-?[0-9]{1,9}(\.[0-9]{1,20})?(,-?[0-9]{1,9}(\.[0-9]{1,20})?){3}", re.ASCII)

_TYPES = {"text": "string", "date": "string", "integer": "integer", "number": "number"}


@lru_cache(maxsize=64)
def items_parameters(layer: Layer) -> Parameters:
    """Return the parameters of a collection's items."""
    fields = [field.name for field in layer.fields]
    ordered = [f"{sign}{name}" for name in fields for sign in ("", "+", "-")]
    shared = (
        *(_LIMIT, _CURSOR, _OFFSET, _COUNT, _BBOX, _BBOX_CRS, _DATETIME, _CRS),
        _PROPERTIES._replace(schema=_list(fields, len(fields)), example=fields[:2]),
        _SORTBY._replace(schema=_list(ordered, _MOST_KEYS), example=[f"-{fields[0]}"]),
        *(_Q, _FILTER, _FILTER_LANG, _FILTER_CRS, BOM),
    )
    return {parameter.name: parameter for parameter in (*shared, *map(_field_parameter, layer.fields))}


@lru_cache(maxsize=64)
def item_parameters(layer: Layer) -> Parameters:
    """Return the parameters of one feature."""
    return {name: items_parameters(layer)[name] for name in ("crs", "properties")}


def _list(words: list[str], most: int) -> Mapping[str, object]:
    return {"type": "array", "minItems": 1, "maxItems": most, "uniqueItems": True, "items": {"type": "string", "enum": words}}


def _field_parameter(field: Field) -> Parameter:
    schema: dict[str, object] = {"type": _TYPES[field.type]}
    if field.type == "date":
        schema["format"] = "date"
    if field.choices:
        schema["enum"] = list(field.choices)
    return Parameter(field.name, f"Only features whose {field.name} ({field.title_zh}) is this.", schema, next(iter(field.choices), None))


def read_query(layer: Layer, asked: Mapping[str, str]) -> FeatureQuery:
    """Return the query that the parameters of items ask; raises ParameterError that names the one that cannot be understood."""
    system = parse_system("crs", asked.get("crs"))
    if asked.keys() <= _NO_CONDITIONS:
        return FeatureQuery(layer, _read_box(asked), srid=system.srid, register_order=system.register_order)
    return FeatureQuery(
        layer,
        box=_read_box(asked),
        filter=_read_filter(asked),
        equal=tuple((field.name, _checked(field, asked[field.name])) for field in layer.fields if field.name in asked),
        period=_read_period(asked.get("datetime")),
        words=_read_words(asked.get("q")),
        fields=_read_fields(layer, asked.get("properties")),
        sort=_read_sort(layer, asked.get("sortby")),
        srid=system.srid,
        register_order=system.register_order,
    )


def read_limit(asked: Mapping[str, str]) -> int | None:
    """Return the limit, None where none is given; raises ParameterError.

    It may be above the most features of a page, which a page takes for just that: Part 1 forbids an error there, and a file has them all.
    """
    if "limit" not in asked:
        return None
    text = asked["limit"]
    return _MOST_OF_A_FILE if _HUGE.fullmatch(text) else parse_count("limit", text, _MOST_OF_A_FILE)


def read_offset(asked: Mapping[str, str]) -> int:
    """Return how many features to leave out; raises ParameterError, also when there is a cursor as well."""
    text = asked.get("offset")
    if text is None:
        return 0
    if asked.get("cursor"):
        raise ParameterError("offset", "cannot be given with cursor.", "one of the two")
    return 0 if re.fullmatch(r"[+-]?0{1,9}", text) else parse_count("offset", text, MOST_OFFSET)


def read_count(asked: Mapping[str, str]) -> bool:
    """Say whether all features are to be counted; raises ParameterError."""
    if "count" not in asked and BOM.name not in asked:
        return False
    # Means something in files alone; a page that is asked for with it is none the worse.
    parse_flag(BOM.name, asked.get(BOM.name, "false"))
    return parse_flag("count", asked.get("count", "false"))


def _checked(field: Field, text: str) -> str:
    parse_value(field, text)
    return text


def _read_box(asked: Mapping[str, str]) -> Box | None:
    system = parse_system("bbox-crs", asked.get("bbox-crs"))
    text = asked.get("bbox")
    if text is None:
        return None
    is_plain = _PLAIN_BOX.fullmatch(text) is not None
    parts = list(map(float, text.split(","))) if is_plain else [parse_number("bbox", part.strip(), _BOX) for part in text.split(",")]
    if len(parts) not in (4, 6):
        raise ParameterError("bbox", f"has {len(parts)} numbers.", _BOX)
    half = len(parts) // 2
    if half == 3 and parts[2] > parts[5]:
        raise ParameterError("bbox", "its lower height is above the upper one.", _BOX)
    box = _box(system, "bbox", (parts[0], parts[1], parts[half], parts[half + 1]))
    if not system.is_in_degrees:
        # A box that has no shape is told now.
        shapes_of(box)
    return box


def _box(system: System, name: str, sides: tuple[float, ...]) -> Box:
    """Return the box that four numbers are in a system, in the order of its axes; raises ParameterError when they are none."""
    first, second, last_first, last_second = sides
    north_first = (second, first, last_second, last_first)
    west, south, east, north = north_first if system.is_north_first else sides
    if south > north:
        raise ParameterError(name, "its south is north of its north.", "the lower corner before the upper one")
    if system.is_in_degrees:
        if not (max(abs(west), abs(east)) <= 180.0 and max(abs(south), abs(north)) <= 90.0):
            order = "latitude before longitude" if system.is_north_first else "longitude before latitude"
            raise ParameterError(name, "is no place on earth.", f"degrees, {order}")
    elif west > east:
        raise ParameterError(name, "its west is east of its east.", "the lower corner before the upper one")
    return Box(Bounds(west, south, east, north), system.srid)


def _read_filter(asked: Mapping[str, str]) -> Filter | None:
    system = parse_system("filter-crs", asked.get("filter-crs"))
    lang = asked.get("filter-lang", "cql2-text")
    if lang not in ("cql2-text", "cql2-json"):
        raise ParameterError("filter-lang", f"{lang[:40]!r} is not a language of filters here.", "cql2-text or cql2-json")
    text = asked.get("filter")
    if text is None:
        return None
    return parse(text, lang, None if system == CRS84 else _placing(system))


def _placing(system: System) -> Callable[[object], object]:
    """Return what puts a filter written in ``system`` into longitude and latitude."""
    convert = to_lonlat(system.srid, register_order=system.register_order)
    shape = partial(shapely.transform, transformation=convert)
    return partial(placed, shape=shape, box=partial(_filter_box, system))


def _filter_box(system: System, sides: tuple[float, ...]) -> list[shapely.Geometry]:
    return shapes_of(_box(system, "filter", sides), "filter")


_INSTANT = re.compile(
    r"(\d{4}-\d{2}-\d{2})(?:[Tt]([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d{1,9})?([Zz]|[+-]([01]\d|2[0-3]):[0-5]\d))?", re.ASCII
)


def _read_period(text: str | None) -> Period | None:
    if text is None:
        return None
    ends = text.split("/")
    if len(ends) > 2 or (len(ends) == 1 and ends[0] in ("", "..")):
        raise ParameterError("datetime", f"{text[:60]!r} is no period.", _PERIOD)
    days = [None if end in ("", "..") else _day(end) for end in ends]
    period = Period(days[0], days[-1])
    if period.start is not None and period.end is not None and period.start > period.end:
        raise ParameterError("datetime", "ends before it begins.", _PERIOD)
    return period


def _day(text: str) -> date:
    match = _INSTANT.fullmatch(text)
    day = parse_date(match[1]) if match else None
    if day is None:
        raise ParameterError("datetime", f"{text[:60]!r} is neither a day nor an instant.", _PERIOD)
    return day


def _read_words(text: str | None) -> tuple[str, ...]:
    if text is None:
        return ()
    terms = tuple(dict.fromkeys(" ".join(term.split()) for term in text.split(",")))
    if not all(terms) or "\0" in text or len(text) > _LONGEST_TEXT or len(terms) > _MOST_TERMS:
        expected = f"up to {_MOST_TERMS} terms with commas, {_LONGEST_TEXT} characters in all, none of them empty"
        raise ParameterError("q", f"{text[:60]!r} cannot be searched for.", expected)
    return terms


def _read_fields(layer: Layer, text: str | None) -> tuple[str, ...] | None:
    if text is None:
        return None
    names = tuple(_named(layer, "properties", name) for name in text.split(","))
    if len(set(names)) < len(names):
        raise ParameterError("properties", "names a field twice.", "each field once, with commas")
    return names


def _read_sort(layer: Layer, text: str | None) -> tuple[Sort, ...]:
    if text is None:
        return ()
    sorts = tuple(_sort(layer, key) for key in text.split(","))
    if len({sort.field for sort in sorts}) < len(sorts) or len(sorts) > _MOST_KEYS:
        raise ParameterError("sortby", "names a field twice, or too many.", f"up to {_MOST_KEYS} fields, each once")
    return sorts


def _sort(layer: Layer, key: str) -> Sort:
    # A plus that is not encoded arrives as a space.
    return Sort(_named(layer, "sortby", key.lstrip() if key[:1] == " " else key.removeprefix("+").removeprefix("-")), key.startswith("-"))


def _named(layer: Layer, parameter: str, name: str) -> str:
    names = [field.name for field in layer.fields]
    if name not in names:
        raise ParameterError(parameter, f"{layer.id} has no field {name[:60]!r}.", f"any of {', '.join(names)}, with commas")
    return name
