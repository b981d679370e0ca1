"""Reading documents of the OGC API in tests."""

from __future__ import annotations

from typing import Any

from tests.api.conftest import Server


def said(server: Server, path: str, **headers: str) -> dict[str, Any]:
    """Return a document."""
    answer = server.get(path, headers=headers)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def links(document: dict[str, Any], rel: str) -> list[dict[str, Any]]:
    """Return the links of a document that have a relation."""
    return [link for link in document["links"] if link["rel"] == rel]


def all_links(part: Any) -> list[dict[str, Any]]:
    """Return every link anywhere in a document."""
    if isinstance(part, list):
        return [link for one in part for link in all_links(one)]
    if not isinstance(part, dict):
        return []
    own = [part] if "href" in part and "rel" in part else []
    return own + [link for one in part.values() for link in all_links(one)]
