"""A tile as an answer: its headers, 204 when nothing is in it, 304 when the client has it, the encoding that the client wants."""

from __future__ import annotations

from api.asgi import PUBLIC, Header, Reply
from api.negotiation import matches
from tiles import EncodedTile

_MVT: Header = (b"content-type", b"application/vnd.mapbox-vector-tile")
_NOT_SURE: tuple[Header, ...] = (*PUBLIC, (b"cache-control", b"no-store"), (b"gisgrid-database", b"down"), (b"gisgrid-stale", b"true"))


class TileReplies:
    """Makes answers of tiles; ``max_age_s`` is how long caches may show one without asking again."""

    def __init__(self, max_age_s: int) -> None:
        # no-cache lets a cache keep a tile but makes it ask each time whether it is still good, which the ETag answers
        # without a body: an edit shows in the next request, and never a tile older than that.
        control = b"public, max-age=%d" % max_age_s if max_age_s else b"no-cache"
        self._headers: tuple[Header, ...] = (*PUBLIC, (b"cache-control", control), (b"vary", b"accept-encoding"))

    def reply(self, tile: EncodedTile, taken: tuple[str, ...], if_none_match: str) -> Reply:
        """Return the answer of a tile to a client that takes the codings ``taken`` and has ``if_none_match``, empty for nothing.

        A stale tile is answered as one that no cache may keep.
        """
        headers = _NOT_SURE if tile.stale else self._headers
        if tile.is_empty:
            return Reply(204, headers, b"")
        coding = choose(tile, taken)
        # A strong ETag names bytes, so each encoding has its own.
        etag = f'"{tile.etag}"' if coding == "identity" else f'"{tile.etag}-{coding}"'
        headers = (*headers, (b"etag", etag.encode()))
        if matches(if_none_match, etag):
            return Reply(304, headers, b"")
        if coding == "identity":
            return Reply(200, (*headers, _MVT), tile.body("identity"))
        return Reply(200, (*headers, _MVT, (b"content-encoding", coding.encode())), tile.encodings[coding])


def choose(tile: EncodedTile, taken: tuple[str, ...]) -> str:
    """Return the content coding in which a tile is sent: the first of ``taken`` that it is kept in, plain bytes if there is none."""
    # Plain bytes can always be made, whether they are kept or not.
    return next((name for name in taken if name == "identity" or name in tile.encodings), "identity")
