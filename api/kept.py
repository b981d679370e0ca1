"""Kept tiles in a hurry: from the bytes of a request to those of its answer, for what has been asked in these words before.

A map asks for thousands of tiles with the same header lines, and many maps ask for the same tiles. So what first lines of requests
ask for is remembered, and what blocks of header lines mean, each by its very bytes: two looks into dictionaries take the place of
parsing. Only what the ordinary way has understood and answered is remembered; and of an answer the headers alone, never the tile:
the cache is asked for it each time, and says whether it is still right.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from api.asgi import Header
from api.negotiation import codings, matches
from api.tilereply import TileReplies, choose
from tiles import EncodedTile, TileRequest
from tiles.cache import KeptTile
from tiles.store import TileStore

_MOST_TARGETS = 32_768
_MOST_HEADS = 4_096
_LONGEST = 8_192

# The one header that differs from tile to tile: it is cut out, and what is left is the same for all tiles of a client.
_HAS = re.compile(rb"^if-none-match: ?([!-~][ -~]{0,400})\r\n", re.IGNORECASE | re.MULTILINE)
# With any of these a request says more than which tile is wanted, and how.
_SAYS_MORE = frozenset((b"content-length", b"transfer-encoding", b"expect", b"upgrade", b"te", b"trailer"))

_FIRST_LINE = {200: b"HTTP/1.1 200 OK\r\n", 204: b"HTTP/1.1 204 No Content\r\n", 304: b"HTTP/1.1 304 Not Modified\r\n"}


class _Words(NamedTuple):
    """The headers of a tile's answer to who takes ``taken``: ``unchanged`` to who has it already, as ``etag`` says."""

    taken: tuple[str, ...]
    status: int
    headers: bytes
    unchanged: bytes
    etag: str
    coding: str


class _Place:
    """What a first line asks for, the entry of the cache that answered it last, and the headers of that answer."""

    __slots__ = ("entry", "request", "words")

    def __init__(self, request: TileRequest) -> None:
        self.request = request
        self.entry: KeptTile | None = None
        self.words: _Words | None = None


class KeptAnswers:
    """Answers requests for tiles that ``store`` keeps; ``replies`` says what an answer is.

    One a process; everything happens in the thread of its event loop.
    """

    def __init__(self, store: TileStore, replies: TileReplies) -> None:
        self._store = store
        self._replies = replies
        self._places: dict[bytes, _Place] = {}
        self._heads: dict[bytes, tuple[str, ...]] = {}
        self._every: list[Header] = []
        self._openings = dict(_FIRST_LINE)
        self._place_of = self._places.get
        self._taken_by = self._heads.get

    def answer(self, data: bytes, every: list[Header]) -> tuple[bytes, ...] | None:
        """Return the pieces of an answer to one whole request, None when it has to go the ordinary way.

        ``every`` are the headers with which each answer of the server begins; a new list whenever they change.
        """
        line, _, head = data.partition(b"\r\n")
        place = self._place_of(line)
        if place is None:
            return None
        taken, has = self._taken_by(head), None
        if taken is None:
            taken, has = self._conditional(head)
            if taken is None:
                return None
        entry = place.entry
        if entry is None or entry.tile is None:
            place.words, entry = None, self._store.entry(place.request)
            place.entry = entry
        if entry is None or entry.tile is None or not self._store.is_current:
            return None
        entry.used = True
        self._store.hits += 1
        words = place.words
        if words is None or words.taken != taken:
            words = place.words = self._say(entry.tile, taken)
        if every is not self._every:
            self._begin(every)
        if has is not None and matches(has, words.etag):
            return self._openings[304], words.unchanged
        if words.status != 200:
            return self._openings[words.status], words.headers
        return self._openings[200], words.headers, entry.tile.encodings.get(words.coding) or entry.tile.body("identity")

    def learn_place(self, target: bytes, request: TileRequest) -> None:
        """Remember that GET of ``target``, as it stands in a first line, asks for one tile, and always for the same."""
        line = b"GET " + target + b" HTTP/1.1"
        if len(line) > _LONGEST or line in self._places:
            return
        if len(self._places) >= _MOST_TARGETS:
            self._places.clear()
        self._places[line] = _Place(request)

    def learn_head(self, head: bytes, headers: Iterable[Header]) -> None:
        """Remember what a block of header lines means: ``headers`` is how it was understood, with names in lower case."""
        if len(head) > _LONGEST or head in self._heads:
            return
        found = _HAS.search(head)
        if found is not None:
            head = head[: found.start()] + head[found.end() :]
        taken = _understand(headers, conditions=0 if found is None else 1)
        if taken is None:
            return
        if len(self._heads) >= _MOST_HEADS:
            self._heads.clear()
        self._heads[head] = taken

    def _conditional(self, head: bytes) -> tuple[tuple[str, ...] | None, str | None]:
        """Return what a block with an If-None-Match takes, and what that names; None twice when the rest is not known."""
        found = _HAS.search(head)
        if found is None:
            return None, None
        return self._heads.get(head[: found.start()] + head[found.end() :]), found[1].decode("ascii")

    def _say(self, tile: EncodedTile, taken: tuple[str, ...]) -> _Words:
        reply = self._replies.reply(tile, taken, "")
        if reply.status != 200:
            return _Words(taken, reply.status, _lines(reply.headers), b"", "", "")
        etag = next(value for name, value in reply.headers if name == b"etag").decode()
        unchanged = self._replies.reply(tile, taken, etag)
        headers = (*reply.headers, (b"content-length", b"%d" % len(reply.body)))
        return _Words(taken, 200, _lines(headers), _lines(unchanged.headers), etag, choose(tile, taken))

    def _begin(self, every: list[Header]) -> None:
        self._every = every
        common = b"".join(b"%s: %s\r\n" % header for header in every)
        self._openings = {status: line + common for status, line in _FIRST_LINE.items()}


def _lines(headers: Iterable[Header]) -> bytes:
    """Return headers as they end the head of an answer."""
    return b"".join(b"%s: %s\r\n" % header for header in headers) + b"\r\n"


def _understand(headers: Iterable[Header], conditions: int) -> tuple[str, ...] | None:
    """Return the codings that a request takes; None when its headers say more, or not ``conditions`` times If-None-Match."""
    accepts: list[str] = []
    for name, value in headers:
        if name in _SAYS_MORE or (name == b"connection" and value.lower() != b"keep-alive"):
            return None
        if name == b"accept-encoding":
            accepts.append(value.decode("latin-1"))
        conditions -= name == b"if-none-match"
    return None if conditions else codings(",".join(accepts))
