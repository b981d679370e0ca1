"""Batches of rows over real connections: streams that are long, slow, given up or at fault in their midst."""

from __future__ import annotations

import http.client
import re
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from gisgrid.db import Database
from tests.serving import GISGRID, Server, served

pytestmark = pytest.mark.slow

URL = "/locate/batch?crs=wgs84&columns=status,grid"
HEAD = b"lon,lat\n"
ROW = b"120.3722,36.0819\n"
ANSWER = b"120.3722,36.0819,inside,370203001001001\n"
LIMITS = {"GISGRID_API__MAX_STREAMS": "2", "GISGRID_API__STREAM_SPOOL_BYTES": "100000000"}
BLOCK = ROW * 4_000


@pytest.fixture(scope="module")
def live(town: Database) -> Iterator[Server]:
    """A server process on the town."""
    with served([GISGRID, "serve", "--port"], {"GISGRID_DATABASE_URL": town.url, **LIMITS}, afresh=True) as running:
        yield running


class Upload:
    """A request on a socket of its own whose body is sent and whose answer is read when the test likes."""

    def __init__(self, server: Server, url: str = URL, content_type: str = "text/csv") -> None:
        self.socket = socket.create_connection(("127.0.0.1", server.port), 30)
        head = f"POST {url} HTTP/1.1\r\nHost: x\r\nContent-Type: {content_type}\r\nTransfer-Encoding: chunked\r\n\r\n"
        self.socket.sendall(head.encode())

    def send(self, part: bytes) -> None:
        self.socket.sendall(b"%x\r\n%s\r\n" % (len(part), part))

    def end(self) -> None:
        self.socket.sendall(b"0\r\n\r\n")

    def answer(self) -> http.client.HTTPResponse:
        response = http.client.HTTPResponse(self.socket, method="POST")
        response.begin()
        return response

    def close(self) -> None:
        self.socket.close()


def _threads(server: Server) -> int:
    return len(list(Path(f"/proc/{server.pid}/task").iterdir()))


def _files(server: Server) -> int:
    return len(list(Path(f"/proc/{server.pid}/fd").iterdir()))


def _memory(server: Server, name: str) -> int:
    """Return a figure of the process's memory in bytes."""
    found = re.search(rf"{name}:\s+(\d+) kB", Path(f"/proc/{server.pid}/status").read_text(encoding="utf-8"))
    assert found
    return int(found[1]) * 1024


def _one(server: Server) -> httpx.Response:
    return httpx.post(server.url + URL, content=HEAD + ROW, headers={"content-type": "text/csv"}, timeout=30)


def _until(holds: Any, seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"did not come about within {seconds} s"
        time.sleep(0.05)


def test_the_answer_begins_before_the_body_has_ended(live: Server) -> None:
    upload = Upload(live)
    upload.send(HEAD)
    for _ in range(60):
        upload.send(BLOCK)
    response = upload.answer()
    assert response.status == 200
    assert response.readline() == b"lon,lat,status,grid\n"
    assert response.readline() == ANSWER
    upload.send(ROW)
    upload.end()
    rest = response.read()
    assert rest == ANSWER * (60 * 4_000)
    upload.close()


def test_a_client_that_sends_all_before_it_reads_gets_all(live: Server) -> None:
    rows = 400_000
    upload = Upload(live, "/locate/batch?crs=wgs84")
    upload.send(HEAD)
    for _ in range(rows // 4_000):
        upload.send(BLOCK)
    upload.end()
    response = upload.answer()
    content = response.read()
    assert content.count(b"\n") == rows + 1
    assert len(content) > 40_000_000
    upload.close()


def test_a_client_that_reads_slowly_holds_the_server_back(live: Server) -> None:
    _one(live)
    before = _memory(live, "VmRSS")
    upload = Upload(live, "/locate/batch?crs=wgs84")
    upload.socket.settimeout(3)
    upload.send(HEAD)
    sent = _send_until_held_back(upload, 2_000_000)
    # It was read until the file for what nobody takes was full, and no farther; memory was not asked for it.
    assert 100_000 < sent < 1_900_000
    assert _memory(live, "VmRSS") - before < 120_000_000
    start = time.monotonic()
    assert httpx.get(live.url + "/locate?lon=120.3722&lat=36.0819&crs=wgs84").json()["grid"]["code"] == "370203001001001"
    assert time.monotonic() - start < 5
    upload.close()
    _until(lambda: _one(live).status_code == 200)


def test_clients_that_go_away_leave_nothing_behind(live: Server) -> None:
    for _ in range(3):
        _one(live)
    threads, files = _threads(live), _files(live)
    for number in range(12):
        upload = Upload(live, "/locate/batch?crs=wgs84")
        upload.send(HEAD + ROW)
        for _ in range(number * 3):
            upload.send(BLOCK)
        if number in {8, 11}:
            upload.answer().read(1000)
        upload.close()
        _until(lambda: _one(live).status_code == 200)
    _until(lambda: _are_all_free(live), 5)
    _until(lambda: _files(live) <= files)
    assert _threads(live) <= threads + 2


def test_a_client_that_goes_while_rows_take_long_is_noticed(live: Server) -> None:
    for _ in range(2):
        upload = Upload(live, "/locate/batch?crs=wgs84&accuracy_m=9000")
        upload.send(HEAD + b"".join(b"120.37%d,36.08%d\n" % (n, n) for n in range(60_000)))
        upload.end()
        time.sleep(0.5)
        upload.close()
    _until(lambda: _are_all_free(live), 10)


def test_a_table_that_would_take_all_memory_is_refused(live: Server) -> None:
    upload = Upload(live, content_type="application/vnd.apache.arrow.stream")
    upload.send(b"\xff\xff\xff\xff" + (1 << 30).to_bytes(4, "little"))
    upload.send(b"x" * 100_000)
    response = upload.answer()
    assert response.status in {400, 413}
    upload.close()


def test_more_at_a_time_than_may_be_are_told_to_wait_and_lookups_go_on(live: Server) -> None:
    _until(lambda: _are_all_free(live))
    time.sleep(0.5)
    uploads = [Upload(live), Upload(live)]
    for upload in uploads:
        upload.send(HEAD + ROW)
    time.sleep(1.0)  # so that no other takes their place
    _until(lambda: _one(live).status_code == 503)
    answer = _one(live)
    assert answer.headers["retry-after"]
    assert answer.json()["type"] == "/problems/unavailable"
    assert httpx.get(live.url + "/locate?lon=120.3722&lat=36.0819&crs=wgs84").status_code == 200
    points = {"crs": "wgs84", "points": [{"lon": 120.3722, "lat": 36.0819}]}
    assert httpx.post(live.url + "/locate/batch", json=points).status_code == 200
    for upload in uploads:
        upload.end()
        assert upload.answer().read().endswith(ANSWER)
        upload.close()
    _until(lambda: _one(live).status_code == 200)


def test_a_fault_in_the_midst_breaks_the_answer_off(live: Server) -> None:
    upload = Upload(live)
    upload.send(HEAD)
    for _ in range(60):
        upload.send(BLOCK)
    response = upload.answer()
    assert response.status == 200
    upload.send(b"\xff\xff\xff,1\n")
    upload.end()
    with pytest.raises((http.client.IncompleteRead, ConnectionResetError)):
        response.read()
    upload.close()
    _until(lambda: _one(live).status_code == 200)


def test_a_fault_before_anything_was_answered_is_told_though_the_body_goes_on(live: Server) -> None:
    upload = Upload(live)
    upload.send(b"east,north\n" + BLOCK * 30)
    response = upload.answer()
    assert response.status == 400
    assert b"no column 'lon'" in response.read()
    upload.close()


def test_who_neither_sends_nor_reads_is_broken_off(town: Database) -> None:
    environment = {"GISGRID_DATABASE_URL": town.url, "GISGRID_API__STREAM_IDLE_S": "1"}
    with served([GISGRID, "serve", "--port"], environment) as server:
        upload = Upload(server)
        upload.send(HEAD + ROW)
        response = upload.answer()
        assert response.status == 400
        assert b"has not gone on for 1 s" in response.read()
        upload.close()


@pytest.fixture
def fresh(town: Database) -> Iterator[Server]:
    """A server process that nobody has asked before: as soon as it has answered 1.5 million rows it loads the compiled loops, once."""
    with served([GISGRID, "serve", "--port"], {"GISGRID_DATABASE_URL": town.url, **LIMITS}, afresh=True) as running:
        yield running


@pytest.mark.parametrize("rows", [1_000_000])
def test_a_million_rows_take_no_memory_and_lookups_go_on(fresh: Server, rows: int) -> None:
    _through(fresh, 200_000)
    before, taken = _memory(fresh, "VmHWM"), []
    stopped = threading.Event()

    def look_up() -> None:
        with httpx.Client() as client:
            while not stopped.wait(0.02):
                start = time.perf_counter()
                assert client.get(fresh.url + "/locate?lon=120.3722&lat=36.0819&crs=wgs84").status_code == 200
                taken.append(time.perf_counter() - start)

    beside = threading.Thread(target=look_up)
    beside.start()
    _through(fresh, rows)
    stopped.set()
    beside.join()
    assert _memory(fresh, "VmHWM") - before < 40_000_000
    assert len(taken) > 20
    assert sorted(taken)[len(taken) * 95 // 100] < 1.0


def _are_all_free(server: Server) -> bool:
    """Return whether as many batches as may be are taken at the same time."""
    uploads = [Upload(server), Upload(server)]
    for upload in uploads:
        upload.send(HEAD + ROW)
    time.sleep(0.2)
    for upload in uploads:
        upload.end()
    found = [upload.answer().status for upload in uploads]
    for upload in uploads:
        upload.close()
    return found == [200, 200]


def _send_until_held_back(upload: Upload, most: int) -> int:
    """Send rows until no more are taken for a while; return how many there were."""
    for sent in range(0, most, 4_000):
        try:
            upload.send(BLOCK)
        except TimeoutError:
            return sent
    return most


def _through(server: Server, rows: int) -> None:
    """Send rows and read their answers at the same time."""
    upload = Upload(server, "/locate/batch?crs=wgs84")

    def send() -> None:
        upload.send(HEAD)
        for _ in range(rows // 4_000):
            upload.send(BLOCK)
        upload.end()

    sender = threading.Thread(target=send)
    sender.start()
    response, lines = upload.answer(), 0
    while part := response.read(1 << 18):
        lines += part.count(b"\n")
    sender.join()
    assert lines == rows + 1
    upload.close()
