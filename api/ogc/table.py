"""Every operation of the OGC API, in one table: routes and the OpenAPI document are made from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache

from api.ogc import collections, core, definition, edits, items, schemas, styles, tilesets
from api.ogc.operations import Resource

RESOURCES: tuple[Resource, ...] = (
    *core.RESOURCES,
    *definition.RESOURCES,
    *collections.RESOURCES,
    *schemas.RESOURCES,
    *edits.with_edits(items.RESOURCES),
    *tilesets.RESOURCES,
    *styles.RESOURCES,
)
"""Every resource; the first whose path fits answers."""


@lru_cache(maxsize=256)
def found(path: str) -> tuple[Resource, Mapping[str, str]] | None:
    """Return the resource at a path below ``/ogc`` and the variable parts of the path; None when there is none."""
    for resource in _by_length().get(path.count("/"), ()):
        match = resource.pattern.fullmatch(path)
        if match is not None:
            return resource, match.groupdict()
    return None


@lru_cache(maxsize=1)
def _by_length() -> dict[int, tuple[Resource, ...]]:
    """Return the resources by how many slashes their paths have."""
    lengths = {resource.path.count("/") for resource in RESOURCES}
    return {length: tuple(_of_length(length)) for length in lengths}


def _of_length(length: int) -> Iterator[Resource]:
    return (resource for resource in RESOURCES if resource.path.count("/") == length)
