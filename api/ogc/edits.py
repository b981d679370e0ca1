"""Editing features (OGC API - Features, part 4): create, replace, update, delete, each for editors only.

Whoever replaces a feature must say which state was seen (If-Match): all of it is written over. A patch and a deletion may say
so; a patch touches nothing but what it names.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from api.access import editor
from api.asgi import PUBLIC, Header, Reply
from api.media import UnsupportedMediaError, media_type
from api.ogc.asked import Asked
from api.ogc.crs import CRS84, System, content_crs, parse_system
from api.ogc.feature_schemas import draft_schema, feature_schema, patch_schema
from api.ogc.formats import GEOJSON
from api.ogc.item import PATH, feature_id, missing
from api.ogc.operations import Operation, Resource
from gisgrid.db.features.writing import State
from gisgrid.errors import BodyError, ParameterError, UsageError
from gisgrid.features import FeatureQuery
from gisgrid.features.drafts import Draft, read_feature, read_patch
from gisgrid.layers import Layer

ITEMS_PATH = "/collections/{collection}/items"
"""Where features are made."""

MERGE_PATCH = "application/merge-patch+json"
"""JSON Merge Patch, RFC 7396."""

_FEATURES = (GEOJSON, "application/json")
_PATCHES = (MERGE_PATCH,)
_MOST_BYTES = 4 * 1024 * 1024
_FORMATS = {"json": GEOJSON}


class MissingConditionError(UsageError):
    """A request must say which state of a feature it is about, and does not."""

    status = 428
    kind = "precondition-required"
    title = "Precondition required"


async def create(asked: Asked) -> Reply:
    """Make a feature; the server gives it its id."""
    name = await _editor(asked)
    draft = await _draft(asked, _FEATURES)
    state = await asked.backend.edits.create(asked.layer, draft, name)
    return await _done(asked, state, 201)


async def replace(asked: Asked) -> Reply:
    """Replace all of a feature."""
    name, id = await _editor(asked), feature_id(asked)
    await _require(asked, id)
    draft = await _draft(asked, _FEATURES)
    _same_id(draft, id)
    seen = _seen(asked)
    if seen is None and not asked.header(b"if-match"):
        raise MissingConditionError(
            "To replace a feature say which state of it was seen.", "Send its ETag in If-Match; or PATCH only what is to change."
        )
    return await _done(asked, await asked.backend.edits.replace(asked.layer, id, draft, name, seen), 204)


async def update(asked: Asked) -> Reply:
    """Change what a merge patch names of a feature."""
    name, id = await _editor(asked), feature_id(asked)
    draft = await _draft(asked, _PATCHES)
    _same_id(draft, id)
    return await _done(asked, await asked.backend.edits.update(asked.layer, id, draft, name, _seen(asked)), 204)


async def delete(asked: Asked) -> Reply:
    """Take a feature out of what is served."""
    name, id = await _editor(asked), feature_id(asked)
    await asked.backend.edits.delete(asked.layer, id, name, _seen(asked))
    return Reply(204, PUBLIC, b"")


async def _editor(asked: Asked) -> str:
    return await editor(asked.backend, asked.header(b"authorization"))


async def _require(asked: Asked, id: int) -> None:
    """Raise NotFoundError for a feature that is not there, before anything is said of the body."""
    if await asked.backend.features.one(FeatureQuery(asked.layer), id) is None:
        raise missing(asked)


async def _draft(asked: Asked, types: tuple[str, ...]) -> Draft:
    content_type = asked.header(b"content-type")
    if not content_type.strip():
        raise BodyError("The Content-Type is missing.", f"Send {types[0]}.")
    named = media_type(content_type)
    if named not in types:
        raise UnsupportedMediaError(f"The type {named[:60]!r} is not taken here.", f"Send one of {', '.join(types)}.")
    system = _system(asked)
    read = read_patch if types is _PATCHES else read_feature
    return read(asked.layer, await asked.body(_MOST_BYTES), system.srid, north_first=system.is_north_first)


def _system(asked: Asked) -> System:
    """Return the system of the body's coordinates: that of Content-Crs, its address in angle brackets; CRS84 without."""
    given = asked.header(b"content-crs").strip()
    if not given:
        return CRS84
    return parse_system("Content-Crs", given.removeprefix("<").removesuffix(">"))


def _same_id(draft: Draft, id: int) -> None:
    if draft.id is not None and str(draft.id) != str(id):
        raise ParameterError("id", f"the body is of feature {str(draft.id)[:40]!r}.", f"{id}, or none")


def _seen(asked: Asked) -> tuple[str, ...] | None:
    """Return the tags of states in If-Match, of which those of representations begin with one; None for any state."""
    given = asked.header(b"if-match").strip()
    if given in ("", "*"):
        return None
    return tuple(tag.strip().removeprefix("W/").strip('"').partition("-")[0] for tag in given.split(","))


async def _done(asked: Asked, state: State, status: int) -> Reply:
    """Return the answer to an edit: the new tag, and the feature where the client would rather have it."""
    headers: list[Header] = [*PUBLIC, (b"etag", f'"{state.tag}"'.encode())]
    if status == 201:
        headers.append((b"location", f"{asked.base}/collections/{asked.layer.id}/items/{state.id}".encode()))
    if "return=representation" not in asked.header(b"prefer").replace(" ", "").lower():
        return Reply(status, tuple(headers), b"")
    one = await asked.backend.features.one(FeatureQuery(asked.layer), state.id)
    if one is None:  # somebody else has deleted it since
        return Reply(status, tuple(headers), b"")
    # As it is now, which may be another state again.
    headers[len(PUBLIC)] = (b"etag", f'"{one.tag}"'.encode())
    headers += [(b"content-type", GEOJSON.encode()), (b"preference-applied", b"return=representation"), content_crs(CRS84)]
    return Reply(201 if status == 201 else 200, tuple(headers), one.text)


def _feature_body(layer: Layer) -> Mapping[str, Mapping[str, object]]:
    return {media: draft_schema(layer) for media in _FEATURES}


def _patch_body(layer: Layer) -> Mapping[str, Mapping[str, object]]:
    return {MERGE_PATCH: patch_schema(layer)}


def is_editable(layer: Layer) -> bool:
    """Say whether the features of a layer can be edited."""
    return layer.loadable


_REFUSALS = (401, 409, 413, 415, 422)

CREATE = Operation(
    "create",
    "Make a feature",
    create,
    _FORMATS,
    success=201,
    statuses=_REFUSALS,
    schema=feature_schema,
    body=_feature_body,
    takes=("Content-Crs", "Prefer"),
    gives=("Location", "ETag", "Preference-Applied"),
    exists=is_editable,
)
REPLACE = Operation(
    "replace",
    "Replace a feature",
    replace,
    _FORMATS,
    success=204,
    statuses=(200, 412, 428, *_REFUSALS),
    schema=feature_schema,
    body=_feature_body,
    takes=("If-Match", "Content-Crs", "Prefer"),
    gives=("ETag", "Preference-Applied"),
    exists=is_editable,
)
UPDATE = Operation(
    "update",
    "Change a feature",
    update,
    _FORMATS,
    success=204,
    statuses=(200, 412, *_REFUSALS),
    schema=feature_schema,
    body=_patch_body,
    takes=("If-Match", "Content-Crs", "Prefer"),
    gives=("ETag", "Preference-Applied"),
    exists=is_editable,
)
DELETE = Operation(
    "delete",
    "Delete a feature",
    delete,
    _FORMATS,
    success=204,
    statuses=(401, 409, 412, 422),
    takes=("If-Match",),
    exists=is_editable,
)

_EDITS: Mapping[str, Mapping[str, Operation]] = {
    ITEMS_PATH: {"POST": CREATE},
    PATH: {"PUT": REPLACE, "PATCH": UPDATE, "DELETE": DELETE},
}


def with_edits(resources: Iterable[Resource]) -> tuple[Resource, ...]:
    """Return resources with the operations by which they are edited, where they are."""
    return tuple(Resource(one.path, {**one.operations, **_EDITS.get(one.path, {})}) for one in resources)
