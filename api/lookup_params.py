"""What the lookup routes can be asked: their parameters, declared once, and a parser from their values to what is wanted."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache

from api.params import Parameter, parse_choices, parse_count, parse_flag, parse_ranged, parse_word, parse_words
from api.points import POINT_PARAMETERS
from gisgrid.errors import ParameterError
from gisgrid.layers import layer
from gisgrid.services import FILTERS, INCLUDES, NEAREST_LAYERS, Beside, CoverHints, NearestAsked, parse_instant
from gisgrid.settings import Settings

MAX_ACCURACY_M = 10_000.0
"""Largest uncertainty of a position, metres: beyond it the answer would list most of a district."""

MAX_TARGET_M = 1_000.0
"""Greatest height of a target that cameras are asked about, metres."""

MAX_TEXT = 2_000
"""Longest text of a report, characters."""

_DEFAULT_K = NearestAsked().k
_NOTHING_BESIDE = Beside()
_ANY_COVER = CoverHints()
_HINTS = ("text", "kind", "state", "owner_code")
_DETAILS = frozenset((*_HINTS, "sight", "target_height_m"))
_YES_NO = ("true", "false")
_TEXT = "雨水井盖破损"


def _named(*parameters: Parameter) -> dict[str, Parameter]:
    return {parameter.name: parameter for parameter in parameters}


_AS_OF = Parameter(
    "as_of",
    "Answer from what was served at this instant, areas, units and features alike: RFC 3339 with an offset, or a date (its first "
    "instant in UTC).",
    {"type": "string", "anyOf": [{"format": "date-time"}, {"format": "date"}]},
    None,
)
_ACCURACY = Parameter(
    "accuracy_m",
    "Radius of the position's uncertainty, metres: every grid within it becomes a candidate, with its share of the circle.",
    {"type": "number", "minimum": 0, "maximum": MAX_ACCURACY_M},
    15,
)
_TARGET = Parameter(
    "target_height_m",
    "Height above the ground of what the cameras shall see, metres; with `sight`.",
    {"type": "number", "minimum": 0, "maximum": MAX_TARGET_M, "default": 0},
    None,
)


def _hints(beside: str) -> tuple[Parameter, ...]:
    """Return the parameters that tell of the cover concerned."""
    words: dict[str, object] = {"type": "string", "maxLength": MAX_TEXT}
    return (
        Parameter("text", f"What the report says, in Chinese: kinds, states and owners named in it count{beside}.", words, _TEXT),
        Parameter("kind", f"Kind of the cover: `sewage`, 污水井盖; several with commas{beside}.", {"type": "string"}, None),
        Parameter("state", f"State of the cover: `broken`, 破损{beside}.", {"type": "string"}, None),
        Parameter("owner_code", f"Code of the cover's owner{beside}.", {"type": "string"}, None),
    )


LOCATE_PARAMETERS = _named(
    *POINT_PARAMETERS,
    _ACCURACY,
    _AS_OF,
    Parameter(
        "include",
        "What else to answer, with commas: the nearest five cameras or covers, the building at the point, the cover that a report "
        "concerns.",
        {"type": "string", "pattern": f"^({'|'.join(INCLUDES)})(,({'|'.join(INCLUDES)}))*$"},
        "cameras,manhole_covers,building",
    ),
    Parameter("sight", "With `cameras`: say of each whether it sees the point.", {"type": "string", "enum": list(_YES_NO)}, None),
    _TARGET,
    *(parameter._replace(example=None) for parameter in _hints("; with `include=cover`")),
)
MATCH_PARAMETERS = _named(*POINT_PARAMETERS, _ACCURACY, _AS_OF, *_hints(""))


def nearest_parameters(layer_id: str) -> dict[str, Parameter]:
    """Return the parameters of the route of a layer's nearest features."""
    sight: tuple[Parameter, ...] = ()
    if layer_id == "cameras":
        choices = [*_YES_NO, "seeing"]
        what = "`true`: say of each camera whether it sees the point. `seeing`: only those that see or probably see it."
        sight = (Parameter("sight", what, {"type": "string", "enum": choices}, None), _TARGET)
    return _named(
        *POINT_PARAMETERS,
        Parameter("k", "How many features at most.", {"type": "integer", "minimum": 1, "default": _DEFAULT_K}, _DEFAULT_K),
        Parameter("radius_m", "How far away at most, metres on the ground.", {"type": "number", "exclusiveMinimum": 0}, 500),
        *(_filter(layer_id, name) for name in FILTERS[layer_id]),
        *sight,
        _AS_OF,
    )


def _filter(layer_id: str, name: str) -> Parameter:
    field = layer(layer_id).field(name)
    schema: dict[str, object] = {"type": "string"}
    listed = ""
    if field.choices:
        one = f"({'|'.join(field.choices)})"
        schema["pattern"] = f"^{one}(,{one})*$"
        listed = f": {', '.join(field.choices)}"
    none = "" if field.choices else " Empty: none recorded."
    return Parameter(name, f"Only features with one of these values, with commas. {field.title_en}{listed}.{none}", schema, None)


NEAREST_PARAMETERS = {found.id: nearest_parameters(found.id) for found in NEAREST_LAYERS}
"""The parameters of each route of nearest features, by layer."""


def parse_beside(values: Mapping[str, str]) -> Beside:
    """Return what else than its areas ``/locate`` is asked about a point; raises ParameterError that names what is wrong."""
    names = _includes(values["include"]) if "include" in values else ()
    if _DETAILS.isdisjoint(values):
        return Beside(names) if names else _NOTHING_BESIDE
    for name in _HINTS:
        if name in values and "cover" not in names:
            raise ParameterError(name, "tells of the cover concerned, which is not asked for.", "include=cover beside it")
    if "sight" in values and "cameras" not in names:
        raise ParameterError("sight", "asks about cameras, which are not asked for.", "include=cameras beside it")
    sight = "sight" in values and parse_flag("sight", values["sight"])
    return Beside(names, sight, _target(values, is_used=sight), parse_hints(values))


@lru_cache(maxsize=256)
def _includes(text: str) -> tuple[str, ...]:
    chosen = parse_choices("include", text, INCLUDES)
    return tuple(name for name in INCLUDES if name in chosen)


def parse_hints(values: Mapping[str, str]) -> CoverHints:
    """Return what a request tells of the cover concerned; raises ParameterError for what cannot be meant."""
    if not any(name in values for name in _HINTS):
        return _ANY_COVER
    text = values.get("text", "")
    if len(text) > MAX_TEXT:
        raise ParameterError("text", f"is {len(text)} characters long.", f"at most {MAX_TEXT} characters")
    return CoverHints(text, *(parse_word(name, values[name]) if name in values else None for name in _HINTS[1:]))


def parse_nearest(values: Mapping[str, str], layer_id: str, settings: Settings) -> NearestAsked:
    """Return which of the nearest features of a layer are asked for; raises ParameterError that names what is wrong."""
    limits = settings.api
    k = parse_count("k", values["k"], limits.max_neighbours) if "k" in values else _DEFAULT_K
    found = layer(layer_id)
    where = {name: parse_words(name, values[name], found.field(name).choices) for name in FILTERS[layer_id] if name in values}
    sight = parse_word("sight", values["sight"], (*_YES_NO, "seeing")) if "sight" in values else "false"
    is_asked = sight != "false"
    target_m = _target(values, is_used=is_asked)
    asked = NearestAsked(k, _radius(values.get("radius_m"), limits.max_radius_m), where or None, "no", target_m)
    return asked._replace(sight="seeing" if sight == "seeing" else "tell") if is_asked else asked


def parse_accuracy(values: Mapping[str, str]) -> float | None:
    """Return the radius of the position's uncertainty in metres, None when none is given."""
    text = values.get("accuracy_m")
    return None if text is None else parse_ranged("accuracy_m", text, 0.0, MAX_ACCURACY_M, f"metres from 0 to {MAX_ACCURACY_M:g}")


def parse_as_of(values: Mapping[str, str]) -> datetime | None:
    """Return the instant that is asked about, None for now."""
    return parse_instant(values["as_of"]) if "as_of" in values else None


def _target(values: Mapping[str, str], *, is_used: bool) -> float:
    text = values.get("target_height_m")
    if text is None:
        return 0.0
    if not is_used:
        raise ParameterError("target_height_m", "is for cameras that are asked what they see.", "sight=true beside it")
    return parse_ranged("target_height_m", text, 0.0, MAX_TARGET_M, f"metres from 0 to {MAX_TARGET_M:g}")


def _radius(text: str | None, high: float) -> float | None:
    if text is None:
        return None
    # The smallest radius is a millimetre: 0 would ask for nothing.
    return parse_ranged("radius_m", text, 0.001, high, f"metres, more than 0 and at most {high:g}")
