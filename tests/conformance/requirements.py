"""The requirements and abstract tests that are tested here, by their identifiers.

Sources: OGC 17-069r4 (Features Part 1, 1.0.1), OGC 18-058r1 (Features Part 2, 1.0.1), OGC 20-057 (Tiles Part 1, 1.0).
Abstract tests are called /conf/ as in the published texts. Left out are the classes that this server does not declare: GML, and the
encodings of tiles other than Mapbox Vector Tiles.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


def _ids(standard: str, kind: str, names: dict[str, str]) -> set[str]:
    return {f"{standard}/{kind}/{group}/{name}" for group, listed in names.items() for name in listed.split()}


FEATURES_1 = _ids(
    "features-1",
    "req",
    {
        "core": """
            root-op root-success api-definition-op api-definition-success conformance-op conformance-success http
            query-param-unknown query-param-invalid crs84 fc-md-op fc-md-success fc-md-links fc-md-items fc-md-items-links
            fc-md-extent sfc-md-op sfc-md-success fc-op fc-bbox-definition fc-bbox-response fc-limit-definition
            fc-limit-response fc-time-definition fc-time-response fc-response fc-links fc-rel-type fc-timeStamp
            fc-numberMatched fc-numberReturned f-op f-success f-links
        """,
        "html": "definition content",
        "geojson": "definition content",
        "oas30": "oas-definition-1 oas-definition-2 oas-impl completeness exceptions-codes security",
    },
) | _ids(
    "features-1",
    "conf",
    {
        "core": """
            http crs84 root-op root-success api-definition-op api-definition-success conformance-op conformance-success
            fc-md-op fc-md-success fc-md-links fc-md-items fc-md-items-links fc-md-extent sfc-md-op sfc-md-success fc-op
            fc-bbox-definition fc-bbox-response fc-limit-definition fc-limit-response fc-time-definition fc-time-response
            query-param-invalid query-param-unknown fc-response fc-links fc-timeStamp fc-numberMatched fc-numberReturned f-op
            f-success f-links
        """,
        "html": "definition content",
        "geojson": "definition content",
        "oas30": "oas-definition-1 oas-definition-2 oas-impl completeness exceptions-codes security",
    },
)

FEATURES_2 = _ids(
    "features-2",
    "req",
    {
        "crs": """
            crs-uri fc-md-crs-list fc-md-storageCrs fc-md-storageCrs-valid-value fc-md-crs-list-global fc-bbox-crs-definition
            fc-bbox-crs-valid-value fc-bbox-crs-valid-defaultValue fc-bbox-crs-action fc-crs-definition fc-crs-valid-value
            fc-crs-default-value fc-crs-action geojson ogc-crs-header ogc-crs-header-value
        """
    },
) | _ids(
    "features-2",
    "conf",
    {
        "crs": """
            crs-uri default-crs storageCrs crs-parameter crs-parameter-default crs-parameter-invalid crs-parameter-transform
            bbox-crs-parameter bbox-crs-parameter-default bbox-crs-parameter-invalid
        """
    },
)

TILES_1 = _ids(
    "tiles-1",
    "req",
    {
        "core": "conformance-success tc-op tc-tilematrix-definition tc-tilerow-definition tc-tilecol-definition tc-success tc-error",
        "tileset": "description",
        "tilesets-list": "tileset-links tileset-path",
        "dataset-tilesets": "landingpage operation",
        "geodata-tilesets": "desc-links operation",
        "collections-selection": "collections-parameter collections-response",
        "mvt": "content",
        "oas30": "completeness operation-id",
    },
) | _ids(
    "tiles-1",
    "conf",
    {
        "core": "conformance-success tc-op tc-tilematrix-definition tc-tilerow-definition tc-tilecol-definition tc-success tc-error",
        "tileset": "description",
        "tilesets-list": "tileset-links",
        "dataset-tilesets": "landingpage operation",
        "geodata-tilesets": "desc-links operation",
        "collections-selection": "collections-parameter collections-response",
        "mvt": "content",
        "oas30": "completeness operation-id",
    },
)

ALL = FEATURES_1 | FEATURES_2 | TILES_1
"""Every identifier: the standard and its part, ``req`` or ``conf``, the class, the name."""

TESTED: dict[str, list[str]] = {}
"""The tests of each identifier, filled while the modules of tests are imported."""


def proves(*ids: str) -> Callable[[F], F]:
    """Say which requirements and abstract tests a test proves: ``features-1/core/root-op`` stands for both of that name."""

    def noted(test: F) -> F:
        for short in ids:
            standard, rest = short.split("/", 1)
            full = [one for one in (f"{standard}/{kind}/{rest}" for kind in ("req", "conf")) if one in ALL]
            assert full, f"there is no {short}"
            for one in full:
                TESTED.setdefault(one, []).append(f"{test.__module__}::{test.__name__}")
        return test

    return noted
