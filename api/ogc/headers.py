"""The headers that mean something to the OGC API, in the words of the OpenAPI document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Header(NamedTuple):
    """What the OpenAPI document says of a header."""

    description: str
    schema: Mapping[str, object]
    example: object = None


_TEXT = {"type": "string"}

REQUEST_HEADERS: Mapping[str, Header] = {
    "If-None-Match": Header("Answer 304 without a body when this is still the ETag.", _TEXT),
    "If-Match": Header("Carry this out only while this is the ETag of the feature.", _TEXT),
    "If-Unmodified-Since": Header("Carry this out only if nothing has changed since.", _TEXT),
    "Content-Crs": Header("Coordinate reference system of the body: its URI between angle brackets.", _TEXT),
    "Prefer": Header("`return=representation` answers the new state, `return=minimal` none.", _TEXT),
}
"""Headers of requests, by name."""

RESPONSE_HEADERS: Mapping[str, Header] = {
    "ETag": Header("Of this answer: for If-None-Match, and of a feature for If-Match.", _TEXT),
    "Content-Crs": Header("Coordinate reference system of the answer: its URI between angle brackets.", _TEXT),
    "Link": Header("Links, as the document has them.", _TEXT),
    "Location": Header("Address of what was made.", {"type": "string", "format": "uri-reference"}),
    "Last-Modified": Header("When it was changed last.", _TEXT),
    "Content-Disposition": Header("Under which name to save it.", _TEXT),
    "Preference-Applied": Header("Which of the preferences was followed.", _TEXT),
    "Accept-Patch": Header("The media types that PATCH takes.", _TEXT),
    "WWW-Authenticate": Header("How to say who you are.", _TEXT),
    "Retry-After": Header("Seconds to wait before asking again.", {"type": "integer"}),
    "Vary": Header("What of the request decides about the answer.", _TEXT),
}
"""Headers of answers, by name."""
