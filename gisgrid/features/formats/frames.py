"""Formats that are text: what goes around the rows that PostGIS has made."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

RECORD_SEPARATOR = "\x1e"
"""What each text of a GeoJSON text sequence begins with (RFC 8142)."""

BOM = b"\xef\xbb\xbf"
"""What tells spreadsheets that a CSV file is UTF-8."""


def geojson(blocks: Iterable[bytes], links: bytes = b"") -> Iterator[bytes]:
    """Yield one FeatureCollection from blocks of whole lines, each line a comma and a feature; with ``links``, a JSON array, if any."""
    # Nothing is given before the first block is there: what is wrong with a query shows in it.
    linked = b'"links":%b,' % links if links else b""
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ").encode()
    head = b'{"type":"FeatureCollection",%b"timeStamp":"%b","features":[\n' % (linked, now)
    count = 0
    for block in blocks:
        count += block.count(b"\n")
        yield head + block[1:] if head else block
        head = b""
    yield head + b'],"numberReturned":%d}\n' % count


def csv(blocks: Iterable[bytes], *, bom: bool) -> Iterator[bytes]:
    """Yield a CSV file from blocks of whole rows, the first of which is the header; with ``bom`` for spreadsheets."""
    head = BOM if bom else b""
    for block in blocks:
        yield head + block
        head = b""
