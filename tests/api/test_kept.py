"""Kept tiles over real connections: answered in a hurry, and no other way than all else is answered."""

from __future__ import annotations

import gzip
import socket
import time
from collections.abc import Iterator
from contextlib import closing
from typing import NamedTuple

import psycopg
import pytest

from api.kept import KeptAnswers
from api.tilereply import TileReplies
from gisgrid.db import Database
from tests.serving import GISGRID, Server, served
from tiles import TileRequest, Variant, tile_at
from tiles.cache import KeptTile
from tiles.encoding import encode_now
from tiles.store import TileStore

TILE = tile_at(120.3744, 36.0835, 14)
PATH = f"/tiles/grids,manhole_covers/{TILE.z}/{TILE.x}/{TILE.y}.mvt"
EMPTY = "/tiles/grids/14/0/0.mvt"


class Answer(NamedTuple):
    """One answer as it came over the wire."""

    status: int
    headers: dict[str, str]
    body: bytes


class Connection:
    """One connection that is kept open; what is sent is written by hand, byte by byte as a test wants it."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), 30)
        self._read = self.socket.makefile("rb")

    def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self.socket.sendall(data)

    def get(self, path: str, *lines: str, method: str = "GET") -> Answer:
        """Send one request in one piece and read its answer."""
        self.send(request(path, *lines, method=method))
        return self.answer(method)

    def answer(self, method: str = "GET") -> Answer:
        """Read the next answer."""
        status = int(self._read.readline().split()[1])
        headers = {}
        while line := self._read.readline().strip():
            name, _, value = line.decode().partition(": ")
            headers[name] = value
        body = b"" if method == "HEAD" or status in {204, 304} else self._read.read(int(headers["content-length"]))
        return Answer(status, headers, body)

    def is_ended(self) -> bool:
        """Whether the server has ended the connection; waits for it."""
        return self._read.read(1) == b""

    def close(self) -> None:
        """End the connection."""
        self._read.close()
        self.socket.close()


def request(path: str, *lines: str, method: str = "GET") -> bytes:
    """Return the bytes of a request."""
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: town.test", *lines, "", ""]).encode()


@pytest.fixture(scope="module")
def process(town: Database) -> Iterator[Server]:
    """A server process on the town."""
    with served([GISGRID, "serve", "--port"], {"GISGRID_DATABASE_URL": town.url}) as server:
        yield server


@pytest.fixture
def connection(process: Server) -> Iterator[Connection]:
    """A connection to the server process, on which tiles are kept and known by the words of plain requests."""
    with closing(Connection(process.port)) as opened:
        for _ in range(3):
            for path in (PATH, EMPTY):
                opened.get(path, "Accept-Encoding: gzip")
        yield opened


def _same(answer: Answer) -> tuple[int, dict[str, str], bytes]:
    return answer.status, {name: value for name, value in answer.headers.items() if name != "date"}, answer.body


def test_a_kept_tile_is_answered_as_one_that_was_made(connection: Connection) -> None:
    # Another header each time goes the ordinary way the first time, and the short way after it.
    for number in range(3):
        ordinary, kept = (connection.get(PATH, "Accept-Encoding: gzip", f"X-Other: {number}") for _ in range(2))
        assert _same(ordinary) == _same(kept)
        assert list(ordinary.headers) == list(kept.headers)
        assert kept.headers["date"]
    assert gzip.decompress(kept.body) == connection.get(PATH).body == connection.get(PATH).body


def test_each_coding_has_its_own_tag(connection: Connection) -> None:
    packed, plain = connection.get(PATH, "Accept-Encoding: gzip"), connection.get(PATH, "Accept-Encoding: gzip;q=0")
    assert packed.headers["etag"] != plain.headers["etag"]
    assert "content-encoding" not in plain.headers
    for _ in range(3):
        assert connection.get(PATH, "Accept-Encoding: gzip;q=0").body == plain.body


def test_a_client_that_has_a_kept_tile_is_told_so(connection: Connection) -> None:
    tag = connection.get(PATH, "Accept-Encoding: gzip").headers["etag"]
    for _ in range(3):
        for value in (tag, f"W/{tag}", f'"x", {tag}', "*"):
            answer = connection.get(PATH, "Accept-Encoding: gzip", f"If-None-Match: {value}")
            assert (answer.status, answer.headers["etag"]) == (304, tag), value
            assert "content-length" not in answer.headers
        for value in ('"x"', tag.replace("-gzip", ""), tag[:-1]):
            answer = connection.get(PATH, f"if-none-match: {value}", "Accept-Encoding: gzip")
            assert (answer.status, len(answer.body)) == (200, int(answer.headers["content-length"])), value
        two = connection.get(PATH, "Accept-Encoding: gzip", 'If-None-Match: "x"', f"If-None-Match: {tag}")
        assert two.status == 304


def test_an_empty_tile_has_no_body_and_no_length(connection: Connection) -> None:
    for _ in range(3):
        answer = connection.get(EMPTY, "Accept-Encoding: gzip")
        assert (answer.status, "content-length" in answer.headers) == (204, False)


def test_head_tells_what_get_would_send(connection: Connection) -> None:
    get = connection.get(PATH, "Accept-Encoding: gzip")
    for _ in range(3):
        head = connection.get(PATH, "Accept-Encoding: gzip", method="HEAD")
        assert _same(head)[:2] == _same(get)[:2]
    assert _same(connection.get(PATH, "Accept-Encoding: gzip")) == _same(get)


def test_requests_that_come_together_are_answered_in_their_order(connection: Connection) -> None:
    asked = [PATH, "/healthz", EMPTY, PATH, "/tiles/lamps/1/0/0.mvt", f"/tiles/grids/{TILE.z}/{TILE.x}/{TILE.y}.mvt", PATH]
    expected = [connection.get(path, "Accept-Encoding: gzip") for path in asked]
    whole = b"".join(request(path, "Accept-Encoding: gzip") for path in asked)
    for cut in (len(whole), 1000, 170, 33):
        for start in range(0, len(whole), cut):
            connection.send(whole[start : start + cut])
        assert [_same(connection.answer()) for _ in asked] == [_same(answer) for answer in expected], cut


def test_a_request_that_comes_in_pieces_is_one_request(connection: Connection) -> None:
    expected = connection.get(PATH, "Accept-Encoding: gzip")
    # The end of the first is what a whole request for a kept tile looks like.
    body = request(PATH, "Accept-Encoding: gzip")
    connection.send(request("/locate/batch", f"Content-Length: {len(body)}", "Content-Type: application/json", method="POST"))
    time.sleep(0.05)
    connection.send(body)
    assert connection.answer().status == 400
    first, second = body[:40], body[40:]
    connection.send(first)
    time.sleep(0.05)
    connection.send(second)
    assert _same(connection.answer()) == _same(expected)


@pytest.mark.parametrize("line", ["Connection: close", "Content-Length: 0", "Expect: 100-continue", "Upgrade: h2c"])
def test_headers_that_say_more_are_heeded_each_time(process: Server, connection: Connection, line: str) -> None:
    expected = connection.get(PATH, "Accept-Encoding: gzip")
    for _ in range(3):
        with closing(Connection(process.port)) as other:
            answer = other.get(PATH, "Accept-Encoding: gzip", line)
            assert (answer.status, answer.body) == (200, expected.body)
            if line == "Connection: close":
                assert answer.headers["connection"] == "close"
                assert other.is_ended()


def test_a_line_that_ends_in_another_way_is_not_taken_for_a_known_one(connection: Connection, process: Server) -> None:
    hidden = request(PATH, "Accept-Encoding: gzip").replace(b"\r\n\r\n", b"\n\n" + request(PATH, "Accept-Encoding: gzip"))
    for _ in range(3):
        with closing(Connection(process.port)) as other:
            other.send(hidden)
            other.socket.shutdown(socket.SHUT_WR)
            first = other.answer()
            assert first.status in {200, 400}
            if first.status == 200:
                assert other.answer().status in {200, 400}


def test_an_idle_connection_is_ended_and_one_at_work_is_not(process: Server) -> None:
    with closing(Connection(process.port)) as connection:
        end = time.monotonic() + 6  # the server lets go of idle ones after 5 s
        while time.monotonic() < end:
            assert connection.get(PATH, "Accept-Encoding: gzip").status == 200
            time.sleep(0.5)
        assert connection.is_ended()  # within the 30 s that a read waits


def test_an_edit_shows_to_those_who_asked_in_the_same_words(own_town: Database) -> None:
    with served([GISGRID, "serve", "--port"], {"GISGRID_DATABASE_URL": own_town.url}) as server, closing(Connection(server.port)) as opened:
        before = [opened.get(PATH, "Accept-Encoding: gzip") for _ in range(5)][-1]
        with psycopg.connect(own_town.url) as database:
            database.execute("UPDATE gisgrid.components SET name = '改' || name")
        end = time.monotonic() + 10
        while (after := opened.get(PATH, "Accept-Encoding: gzip")).headers["etag"] == before.headers["etag"]:
            assert time.monotonic() < end
            time.sleep(0.02)
        assert after.body != before.body
        assert [opened.get(PATH, "Accept-Encoding: gzip").body for _ in range(3)] == [after.body] * 3


class _Store(TileStore):
    """A store with tiles put in by hand, right when the test says so."""

    def __init__(self) -> None:
        self.entries: dict[TileRequest, KeptTile] = {}
        self.right = True
        self.hits = 0

    @property
    def is_current(self) -> bool:
        """Whether what is kept is right."""
        return self.right

    def entry(self, request: TileRequest) -> KeptTile | None:
        """Return what is kept."""
        return self.entries.get(request)


def test_what_is_known_by_its_words_is_served_only_while_it_is_kept_and_right() -> None:
    store, asked = _Store(), TileRequest(Variant(("grids",)), TILE)
    answers = KeptAnswers(store, TileReplies(60))
    data, every = request("/t", "Accept-Encoding: gzip"), [(b"date", b"today")]
    answers.learn_place(b"/t", asked)
    answers.learn_head(data.partition(b"\r\n")[2], [(b"host", b"town.test"), (b"accept-encoding", b"gzip")])
    assert answers.answer(data, every) is None
    tile = store.entries[asked] = KeptTile(asked, encode_now(b"tile" * 500))
    pieces = answers.answer(data, every)
    assert pieces is not None
    assert pieces[0] == b"HTTP/1.1 200 OK\r\ndate: today\r\n"
    assert b"cache-control: public, max-age=60\r\n" in pieces[1]
    assert gzip.decompress(pieces[2]) == b"tile" * 500
    assert (store.hits, tile.used) == (1, True)
    store.right = False
    assert answers.answer(data, every) is None
    store.right = True
    tile.tile = None
    assert answers.answer(data, every) is None
    store.entries[asked] = KeptTile(asked, encode_now(b"other" * 500))
    pieces = answers.answer(data, [(b"date", b"tomorrow")])
    assert pieces is not None
    assert pieces[0].endswith(b"date: tomorrow\r\n")
    assert gzip.decompress(pieces[2]) == b"other" * 500
    assert answers.answer(request("/t", "Accept-Encoding: br"), every) is None
