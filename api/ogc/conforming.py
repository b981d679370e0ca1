"""The classes of requirements that this server meets, by standard."""

from __future__ import annotations

_SPEC = "http://www.opengis.net/spec"

# Part 3 and CQL2 are declared class by class: clients send a filter only if they find every class that it takes.
_CLASSES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("ogcapi-common-1/1.0", ("core", "landing-page", "json", "html", "oas30")),
    ("ogcapi-common-2/1.0", ("collections", "json", "html")),
    ("ogcapi-features-1/1.0", ("core", "oas30", "html", "geojson")),
    ("ogcapi-features-2/1.0", ("crs",)),
    ("ogcapi-features-3/1.0", ("queryables", "queryables-query-parameters", "filter", "features-filter")),
    (
        "ogcapi-features-4/1.0",
        ("create-replace-delete", "update", "optimistic-locking-etags", "return-resource-representation-in-response", "features"),
    ),
    ("ogcapi-features-5/1.0", ("schemas", "core-roles-features", "returnables-and-receivables", "queryables", "sortables")),
    ("ogcapi-features-4/1.0", ("create-replace-delete", "update", "features", "optimistic-locking-etags")),
    (
        "cql2/1.0",
        (
            "cql2-text",
            "cql2-json",
            "basic-cql2",
            "advanced-comparison-operators",
            "case-insensitive-comparison",
            "basic-spatial-functions",
            "basic-spatial-functions-plus",
            "spatial-functions",
            "temporal-functions",
            "property-property",
            "arithmetic",
        ),
    ),
    (
        "ogcapi-tiles-1/1.0",
        ("core", "tileset", "tilesets-list", "dataset-tilesets", "geodata-tilesets", "collections-selection", "mvt", "oas30"),
    ),
    (
        "tms/2.0",
        (
            "tilematrixset",
            "json-tilematrixset",
            "tilematrixsetlimits",
            "json-tilematrixsetlimits",
            "tilesetmetadata",
            "json-tilesetmetadata",
        ),
    ),
    ("ogcapi-styles-1/0.0", ("core", "mapbox-style", "html")),
)


def classes() -> list[str]:
    """Return the addresses of all classes of requirements that are met."""
    return [f"{_SPEC}/{standard}/conf/{name}" for standard, names in _CLASSES for name in names]
