"""Who is asking: an editor shows a token, with the name (Basic) or alone (Bearer). Tokens are never logged."""

from __future__ import annotations

import base64
import binascii

from api.backend import Backend
from api.problems import AccessError
from gisgrid.db.editors import editor_of

_LONGEST = 1024


async def editor(backend: Backend, authorization: str) -> str:
    """Return the name of the editor whom an Authorization header shows.

    Raises AccessError, a 401 that says how to show who one is, when it shows none; DatabaseError when PostGIS is away.
    """
    name, token = _shown(authorization)
    if not token:
        raise AccessError("This takes an editor.", "Send the name and the token of one (Basic), or the token (Bearer).")
    found = await editor_of(backend.edits, token, name)
    if found is None:
        raise AccessError("The name or the token is not known, or was revoked.", "`gisgrid editors add NAME` makes a token.")
    return found


async def is_editor(backend: Backend, authorization: str) -> bool:
    """Say whether an Authorization header shows an editor; who shows nothing is none. Raises AccessError for a wrong token."""
    return bool(authorization) and bool(await editor(backend, authorization))


def _shown(authorization: str) -> tuple[str | None, str]:
    """Return the name (None: not given) and the token in a header; no token where there is none that can be read."""
    scheme, _, rest = authorization[:_LONGEST].strip().partition(" ")
    if scheme.lower() == "bearer":
        return None, rest.strip()
    if scheme.lower() == "basic":
        try:
            name, colon, token = base64.b64decode(rest.strip(), validate=True).decode().partition(":")
        except (binascii.Error, ValueError):
            return None, ""
        return name, token if colon else ""
    return None, ""
