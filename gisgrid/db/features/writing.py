"""Writing features: each in one transaction, in which the state that the editor saw is compared with the one that is there."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any, NamedTuple

import orjson
import psycopg
from psycopg import AsyncConnection, errors

from gisgrid.db.features.tags import state_tag
from gisgrid.db.pool import Pool, Row
from gisgrid.errors import ConflictError, NotFoundError, RefusedError, StaleError
from gisgrid.features.drafts import Draft, Value
from gisgrid.features.query import IN_DEGREES
from gisgrid.layers import Field, Layer

# Whoever edits has the rights of an editor and no more, where the server knows the role.
_BECOME = """
SELECT set_config('gisgrid.editor', %s, true),
       CASE WHEN to_regrole('gisgrid_editor') IS NOT NULL AND pg_has_role(current_user, to_regrole('gisgrid_editor'), 'MEMBER')
           THEN set_config('role', 'gisgrid_editor', true) END
"""
_REFUSED = (
    errors.CheckViolation,
    errors.NotNullViolation,
    errors.ForeignKeyViolation,
    errors.WithCheckOptionViolation,
    errors.DataError,
    errors.InternalError_,
)
_CONFLICTS = (errors.UniqueViolation, errors.ExclusionViolation)
_CHILDREN = "areas_children"
_PLACES = ("geom", "geom_3857", "geom_gcj02")


class State(NamedTuple):
    """A feature after an edit: its id, and the tag of its state."""

    id: int
    tag: str


class FeatureWriter(Pool):
    """The connections that features are written over; nothing is opened before ``open``."""

    def __init__(self, url: str, pool_size: int, statement_timeout_ms: int) -> None:
        super().__init__(url, "edits", pool_size, statement_timeout_ms, hint="Try again; another edit may have been in the way.")

    async def create(self, layer: Layer, draft: Draft, editor: str) -> State:
        """Keep a new feature.

        Raises RefusedError (ConflictError where another feature is in the way) in words of the rule that it breaks.
        """
        for field in layer.fields:
            if field.worked_out and draft.fields.get(field.name) is not None:
                raise _worked_out(field)
        values = _values(layer, draft, [field.name for field in layer.fields if field.kept_in], is_new=True)
        columns, given = ", ".join(f'"{name}"' for name in values.columns), ", ".join(values.columns.values())
        statement = f"INSERT INTO gisgrid.{layer.id} AS f ({columns}) VALUES ({given}) RETURNING f.id, {state_tag(layer)}"
        async with self._editing(layer, editor) as connection:
            row = await _one(connection, statement, values.args)
        assert row is not None
        return State(*row)

    async def replace(self, layer: Layer, id: int, draft: Draft, editor: str, seen: Sequence[str] | None) -> State:
        """Make a feature what ``draft`` says, all of it: fields that it leaves out are emptied. Errors as ``update``."""
        whole = {field.name: None for field in layer.fields if not field.worked_out} | draft.fields
        return await self.update(layer, id, draft._replace(fields=whole, has_geometry=True), editor, seen)

    async def update(self, layer: Layer, id: int, draft: Draft, editor: str, seen: Sequence[str] | None) -> State:
        """Change what ``draft`` names of a feature, if its tag is one of ``seen`` (None: whatever it is).

        Raises NotFoundError when there is none, StaleError when it has changed, else as ``create``.
        """
        values = _values(layer, draft, draft.fields)
        changes = ", ".join(f'"{name}" = {value}' for name, value in values.columns.items()) or "id = id"
        statement = f"UPDATE gisgrid.{layer.id} f SET {changes} WHERE f.id = %(id)s RETURNING f.id, {state_tag(layer)}"
        async with self._editing(layer, editor) as connection:
            await _locked(connection, layer, id, draft.fields, seen)
            row = await _one(connection, statement, {**values.args, "id": id})
            if row is None:
                raise _missing(layer, id)
        return State(*row)

    async def delete(self, layer: Layer, id: int, editor: str, seen: Sequence[str] | None) -> None:
        """Take a feature out of what is served; assets are kept as retired. Errors as ``update``."""
        async with self._editing(layer, editor) as connection:
            await _locked(connection, layer, id, {}, seen)
            await connection.execute(f"DELETE FROM gisgrid.{layer.id} f WHERE f.id = %(id)s".encode(), {"id": id})

    @asynccontextmanager
    async def _editing(self, layer: Layer, editor: str) -> AsyncIterator[AsyncConnection[Row]]:
        async with self.connection() as connection:
            with _in_words(layer):
                async with connection.transaction():
                    await connection.execute(_BECOME, [editor])
                    yield connection


class _Values(NamedTuple):
    """What is written: the expression of each column, and the values bound in them."""

    columns: dict[str, str]
    args: dict[str, Any]


def _values(layer: Layer, draft: Draft, kept: Iterable[str], *, is_new: bool = False) -> _Values:
    """Return what a draft writes; ``kept`` names the fields inside a JSON column that are written over."""
    columns: dict[str, str] = {}
    args: dict[str, Any] = {}
    inside: dict[str, dict[str, Value]] = {}
    for field in layer.fields:
        if field.kept_in:
            if field.name in kept:
                inside.setdefault(field.kept_in, {})[field.name] = draft.fields.get(field.name)
        elif field.name in draft.fields and not field.worked_out:
            columns[field.name] = f"%(v_{field.name})s"
            args[f"v_{field.name}"] = draft.fields[field.name]
    for column, values in inside.items():
        columns[column] = f"%(s_{column})s::jsonb"
        if not is_new:
            columns[column] = f'("{column}" - %(k_{column})s::text[]) || {columns[column]}'
            args[f"k_{column}"] = list(values)
        args[f"s_{column}"] = orjson.dumps({name: value for name, value in values.items() if value is not None}).decode()
    if draft.has_geometry:
        columns["geom"] = _geometry(draft.srid)
        args["geometry"] = draft.geometry
    return _Values(columns, args)


def _geometry(srid: int) -> str:
    if srid in IN_DEGREES:
        return "ST_GeomFromWKB(%(geometry)s::bytea, 4326)"
    return f"ST_Transform(ST_GeomFromWKB(%(geometry)s::bytea, {srid}), 4326)"


async def _locked(connection: AsyncConnection[Row], layer: Layer, id: int, fields: Mapping[str, Value], seen: Sequence[str] | None) -> None:
    """Keep others from a feature until the transaction ends; what the client says of it must be so."""
    worked_out = [field for field in layer.fields if field.worked_out]
    columns = ", ".join([state_tag(layer), *(f'f."{field.name}"' for field in worked_out)])
    row = await _one(connection, f"SELECT {columns} FROM gisgrid.{layer.id} f WHERE f.id = %(id)s FOR UPDATE", {"id": id})
    if row is None:
        raise _missing(layer, id)
    if seen is not None and row[0] not in seen:
        raise StaleError("The feature is not any more what If-Match says.", "Read it again, and make the change on what it is now.")
    for field, present in zip(worked_out, row[1:], strict=True):
        if field.name in fields and fields[field.name] != present:
            raise _worked_out(field)


async def _one(connection: AsyncConnection[Row], sql: str, args: Mapping[str, Any]) -> Row | None:
    return await (await connection.execute(sql.encode(), args)).fetchone()


@contextmanager
def _in_words(layer: Layer) -> Iterator[None]:
    """Turn what the database refuses into an error that says so to a person and names the field."""
    try:
        yield
    except _CONFLICTS as error:
        raise ConflictError(*_said(layer, error)) from error
    except _REFUSED as error:
        kind = ConflictError if error.diag.constraint_name == _CHILDREN else RefusedError
        raise kind(*_said(layer, error)) from error


def _said(layer: Layer, error: psycopg.Error) -> tuple[str, str, str]:
    diag = error.diag
    name, rule = diag.column_name or "", diag.constraint_name or ""
    if isinstance(error, errors.WithCheckOptionViolation):
        name, message = "class_code", f"With these values the feature would be none of {layer.id}."
    elif isinstance(error, errors.InternalError_ | errors.InvalidParameterValue):
        name, message = "geometry", "The coordinates cannot be those of a place in this coordinate system."
    else:
        message = diag.message_primary or "The values are refused."
    if not name:
        name = next((field.name for field in layer.fields if field.name in rule), "geometry" if "geom" in rule or "place" in rule else "")
    return "geometry" if name in _PLACES else name, message, diag.message_hint or ""


def _worked_out(field: Field) -> RefusedError:
    return RefusedError(field.name, f"{field.name} is worked out from the rest and cannot be set.", "Leave it out.")


def _missing(layer: Layer, id: int) -> NotFoundError:
    return NotFoundError(f"There is no feature {id} in {layer.id}.", "Ids are those that its items have.")
