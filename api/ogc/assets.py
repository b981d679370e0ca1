"""The script of the pages and its style sheets, as the build of web/ named them."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import orjson

from api.console import STATIC

MANIFEST = STATIC / "assets" / "manifest.json"
_ENTRY = "src/pages.ts"


class Assets(NamedTuple):
    """Addresses below the root of the server: a script and the style sheets that it needs."""

    script: str
    styles: tuple[str, ...]


def assets() -> Assets | None:
    """Return what pages load for their map; None when nothing is built, and pages do without."""
    try:
        return _read(MANIFEST.stat().st_mtime_ns)
    except (OSError, ValueError, KeyError):
        # Not built, or being built this moment.
        return None


@lru_cache(maxsize=1)
def _read(_: int) -> Assets | None:
    manifest: dict[str, Any] = orjson.loads(MANIFEST.read_bytes())
    if _ENTRY not in manifest:
        return None
    found: dict[str, None] = {}
    _gather(manifest, _ENTRY, found)
    return Assets(manifest[_ENTRY]["file"], tuple(found))


def _gather(manifest: dict[str, Any], name: str, found: dict[str, None]) -> None:
    """Add the style sheets of a chunk and of all that it imports to ``found``."""
    for imported in manifest[name].get("imports", ()):
        _gather(manifest, imported, found)
    found.update(dict.fromkeys(manifest[name].get("css", ())))
