"""What a source may deliver: for each layer (and the three tables that are no layers) its fields, types, lists and ranges."""

from __future__ import annotations

from typing import NamedTuple

from gisgrid import layers
from gisgrid.errors import NotFoundError
from gisgrid.layers import FieldType, GeometryType
from gisgrid.types import LEVELS, Level


class TargetField(NamedTuple):
    """One field that a source can fill: its type, whether every row needs it, and what values it takes.

    ``allowed`` lists the values of a text (empty: any), ``minimum`` and ``maximum`` bound a number (both included), that
    is in ``unit`` (m, deg or m2; empty: a mere number).
    """

    name: str
    type: FieldType
    required: bool = False
    allowed: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    unit: str = ""


class Target(NamedTuple):
    """One thing that can be loaded: a layer's id, ``organizations``, ``area_roles`` or ``place_names``.

    ``geometry`` is None where rows have no place, ``key`` names the fields that identify a row. ``level`` is set for areas.
    Whether an area needs a parent depends on the deployment's levels, so ``ingest.rules`` asks for it.
    ``helpers`` are fields that a description may fill but that are not stored: other fields are worked out from them.
    """

    id: str
    fields: tuple[TargetField, ...]
    key: tuple[str, ...]
    geometry: GeometryType | None = None
    level: Level | None = None
    helpers: tuple[TargetField, ...] = ()

    @property
    def all_fields(self) -> dict[str, TargetField]:
        """Every field that a description may fill, by name."""
        return {field.name: field for field in (*self.fields, *self.helpers)}


STATES = ("intact", "broken", "missing", "abandoned", "removed", "unknown")
CAMERA_KINDS = ("fixed", "dome", "ptz")
CAMERA_STATUSES = ("online", "offline", "fault")
SOURCES_OF_OPTICS = ("measured", "vendor", "8-step", "default")
ROLES = ("responsible_unit", "grid_leader", "patrol_member")

NAMED_LAYERS = ("districts", "streets", "communities", "grids", "roads", "buildings", "places")
"""The layers whose features may have other names."""

NAME_KINDS = ("alias", "old")

_REQUIRED_IN_AREAS = frozenset({"code", "name"})
_ALLOWED: dict[tuple[str, str], tuple[str, ...]] = {
    ("manhole_covers", "state"): STATES,
    ("cameras", "kind"): CAMERA_KINDS,
    ("cameras", "status"): CAMERA_STATUSES,
    ("cameras", "azimuth_source"): SOURCES_OF_OPTICS,
    ("cameras", "field_of_view_source"): SOURCES_OF_OPTICS,
    ("cameras", "range_source"): SOURCES_OF_OPTICS,
    ("cameras", "mount_height_source"): SOURCES_OF_OPTICS,
}
_RANGES: dict[str, tuple[float, float]] = {
    "year_built": (1000, 2100),
    "floors": (0, 200),
    "height_m": (0, 1000),
    "households": (0, 20_000),
    "residents": (0, 50_000),
    "azimuth_deg": (0, 360),
    "azimuth_uncertainty_deg": (0, 180),
    "field_of_view_deg": (1, 360),
    "range_m": (0.1, 20_000),
    "mount_height_m": (0, 500),
}
_REQUIRED_IN: dict[str, frozenset[str]] = {
    "manhole_covers": frozenset({"code", "scheme", "edition", "class_code"}),
    "buildings": frozenset({"code"}),
    "cameras": frozenset({"code", "kind"}),
    "addresses": frozenset({"code"}),
}
# Worked out from the geometry, or from the class.
_NOT_DELIVERED = frozenset({(layer, "area_m2") for layer in ("districts", "streets", "communities", "grids")}) | frozenset(
    {("manhole_covers", "class_name"), ("manhole_covers", "kind")}
)
_CAMERA_HELPERS = (
    TargetField("direction_step", "integer", minimum=1, maximum=8),
    TargetField("optics_source", "text", allowed=SOURCES_OF_OPTICS),
)


def _field(layer_id: str, field: layers.Field) -> TargetField:
    minimum, maximum = _RANGES.get(field.name, (None, None))
    required = field.name in _REQUIRED_IN.get(layer_id, _REQUIRED_IN_AREAS)
    return TargetField(field.name, field.type, required, _ALLOWED.get((layer_id, field.name), ()), minimum, maximum, field.unit)


def _of_layer(layer: layers.Layer) -> Target:
    fields = tuple(_field(layer.id, field) for field in layer.fields if (layer.id, field.name) not in _NOT_DELIVERED)
    key = ("scheme", "edition", "code") if layer.id == "manhole_covers" else ("code",)
    helpers = _CAMERA_HELPERS if layer.id == "cameras" else ()
    return Target(layer.id, fields, key, layer.geometry, layer.level, helpers)


_ORGANIZATIONS = Target(
    "organizations",
    (
        TargetField("code", "text", required=True),
        TargetField("name", "text", required=True),
        *(TargetField(name, "text") for name in ("kind", "credit_code", "parent_code", "phone", "address")),
    ),
    ("code",),
)
_AREA_ROLES = Target(
    "area_roles",
    (
        TargetField("area_level", "text", required=True, allowed=LEVELS),
        TargetField("area_code", "text", required=True),
        TargetField("role", "text", required=True, allowed=ROLES),
        TargetField("organization_code", "text"),
        TargetField("person_name", "text"),
        TargetField("phone", "text"),
    ),
    ("area_level", "area_code", "role", "organization_code", "person_name"),
)
# After all that it gives other names to.
_PLACE_NAMES = Target(
    "place_names",
    (
        TargetField("code", "text"),
        TargetField("name", "text", required=True),
        TargetField("of_layer", "text", required=True, allowed=NAMED_LAYERS),
        TargetField("of_code", "text"),
        TargetField("kind", "text", allowed=NAME_KINDS),
        TargetField("valid_from", "date"),
        TargetField("valid_to", "date"),
        TargetField("source", "text"),
    ),
    ("code",),
    helpers=(TargetField("of_name", "text"),),
)
TARGETS: dict[str, Target] = {
    target.id: target
    for target in (_ORGANIZATIONS, *(_of_layer(layer) for layer in layers.LAYERS if layer.loadable), _AREA_ROLES, _PLACE_NAMES)
}
"""Everything that a source can deliver, in the order in which it is loaded."""


def target(id: str) -> Target:
    """Return the target called ``id``; raises NotFoundError that lists what there is."""
    try:
        return TARGETS[id]
    except KeyError:
        raise NotFoundError(f"There is no layer {id!r} to load into.", f"Layers: {', '.join(TARGETS)}.") from None
