"""Who may edit over HTTP: names, and the SHA-256 of a token for each. A token itself is shown once, when it is made."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from datetime import datetime
from typing import Any, LiteralString, NamedTuple

import psycopg

from gisgrid.db.pool import Pool
from gisgrid.errors import NotFoundError, ParameterError

_TOKEN_BYTES = 32
_NAME = re.compile(r"[^:\x00-\x1f\x7f]{1,64}")

_ADD: LiteralString = """
INSERT INTO gisgrid.editors (name, token_hash) VALUES (%s, %s)
ON CONFLICT (name) DO UPDATE SET token_hash = excluded.token_hash, added_at = now(), revoked_at = NULL
"""
_STANDS: LiteralString = "SELECT EXISTS (SELECT FROM gisgrid.editors WHERE name = %s AND revoked_at IS NULL)"
_REVOKE: LiteralString = "UPDATE gisgrid.editors SET revoked_at = now() WHERE name = %s AND revoked_at IS NULL"
_LIST: LiteralString = """
SELECT e.name, e.added_at, e.revoked_at, max(l.edited_at), coalesce(sum(l.rows), 0)::bigint
FROM gisgrid.editors e LEFT JOIN gisgrid.edits l ON l.editor = e.name GROUP BY e.name ORDER BY e.name
"""
_OF_TOKEN: LiteralString = "SELECT name, token_hash FROM gisgrid.editors WHERE token_hash = %s AND revoked_at IS NULL"
_LOG: LiteralString = """
SELECT id, edited_at, editor, application, layer, action, rows, feature_id, code, before, after FROM gisgrid.edits
WHERE (%(editor)s::text IS NULL OR editor = %(editor)s) AND (%(layer)s::text IS NULL OR layer = %(layer)s)
    AND (%(code)s::text IS NULL OR code = %(code)s)
ORDER BY id DESC LIMIT %(limit)s
"""


class Editor(NamedTuple):
    """Somebody who may edit, or might: since when, until when, when last and how many features so far."""

    name: str
    added_at: datetime
    revoked_at: datetime | None
    last_edit_at: datetime | None
    edits: int


class Edit(NamedTuple):
    """One entry of the log of edits; ``before`` and ``after`` are the changed fields, or all of a feature that came or went."""

    id: int
    edited_at: datetime
    editor: str
    application: str
    layer: str
    action: str
    rows: int
    feature_id: int | None
    code: str | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None


def add_editor(connection: psycopg.Connection, name: str, *, renew: bool = False) -> str:
    """Let somebody edit, and return the token by which that is shown; it is kept nowhere.

    Raises ParameterError for an impossible name, and for one that may edit already, unless ``renew``: then the token of
    before is worth nothing any more.
    """
    if not _NAME.fullmatch(name) or name != name.strip():
        raise ParameterError("NAME", f"{name[:80]!r} cannot be a name.", "1 to 64 characters without colon and control characters")
    row = connection.execute(_STANDS, [name]).fetchone()
    if row is not None and row[0] and not renew:
        raise ParameterError("NAME", f"{name!r} is an editor already.", "another name, or --renew for a new token")
    token = f"gge_{secrets.token_urlsafe(_TOKEN_BYTES)}"
    connection.execute(_ADD, [name, hash_of(token)])
    return token


def revoke_editor(connection: psycopg.Connection, name: str) -> None:
    """Let somebody edit no more, from the next request on; raises NotFoundError when nobody of that name may."""
    if connection.execute(_REVOKE, [name]).rowcount == 0:
        raise NotFoundError(f"There is no editor {name!r}.", "`gisgrid editors list` shows all.")


def list_editors(connection: psycopg.Connection) -> list[Editor]:
    """Return all who may edit or once might, by their names."""
    return [Editor(*row) for row in connection.execute(_LIST).fetchall()]


def log_of_edits(
    connection: psycopg.Connection, limit: int, editor: str | None = None, layer: str | None = None, code: str | None = None
) -> list[Edit]:
    """Return the last edits, the newest first: of one editor, of one layer, of the features with one code."""
    values = {"limit": limit, "editor": editor, "layer": layer, "code": code}
    return [Edit(*row) for row in connection.execute(_LOG, values).fetchall()]


async def editor_of(pool: Pool, token: str, name: str | None = None) -> str | None:
    """Return whose token it is, None when it is nobody's; with ``name``, it must be that editor's."""
    wanted = hash_of(token)
    row = await pool.fetch_row(_OF_TOKEN, [wanted])
    if row is None or not hmac.compare_digest(bytes(row[1]), wanted):
        return None
    found = str(row[0])
    return found if name is None or hmac.compare_digest(found.encode(), name.encode("utf-8", "surrogateescape")) else None


def hash_of(token: str) -> bytes:
    """Return what is kept of a token. It is long and random, so that a plain hash tells nothing of it."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
