"""``gisgrid serve`` as a process of its own."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from gisgrid.db import Database

GISGRID = str(Path(sys.executable).with_name("gisgrid"))


@contextmanager
def _started(url: str, *options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    environment = {**os.environ, "GISGRID_DATABASE_URL": url}
    command = [GISGRID, "serve", "--port", "0", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            found = re.search(r"http://127\.0\.0\.1:\d+", line)
            assert found, process.stderr.read() if process.stderr and process.poll() is not None else line
            yield process, found[0]
        finally:
            process.kill()


def _refused(*options: str, url: str) -> tuple[int, str]:
    environment = {**os.environ, "GISGRID_DATABASE_URL": url}
    done = subprocess.run([GISGRID, "serve", *options], capture_output=True, text=True, env=environment, timeout=60, check=False)
    return done.returncode, done.stderr


@pytest.mark.parametrize(("workers", "number"), [("1", signal.SIGTERM), ("1", signal.SIGINT), ("2", signal.SIGTERM)])
def test_it_says_where_it_listens_answers_and_ends_in_order(town: Database, workers: str, number: signal.Signals) -> None:
    with _started(town.url, "--workers", workers) as (process, address):
        answer = httpx.get(f"{address}/locate?lon=120.3722&lat=36.0819&crs=wgs84", timeout=30)
        assert answer.json()["grid"]["code"] == "370203001001001"
        assert "server" not in answer.headers
        process.send_signal(number)
        _, errors = process.communicate(timeout=30)
        assert process.returncode == 0, errors
        assert "Traceback" not in errors


def test_a_port_in_use_is_told_with_what_to_do(town: Database) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, errors = _refused("--port", str(port), url=town.url)
    assert code == 1
    assert f"Port {port} on 127.0.0.1 is in use." in errors
    assert "--port 0" in errors
    assert "Traceback" not in errors


def test_an_address_of_another_machine_is_told(town: Database) -> None:
    code, errors = _refused("--host", "192.0.2.1", "--port", "0", url=town.url)
    assert code == 1
    assert "192.0.2.1" in errors


def test_a_database_that_is_down_is_told_with_what_to_do() -> None:
    code, errors = _refused("--port", "0", url="postgresql://u:geheim@127.0.0.1:1/none")
    assert code == 1
    assert "127.0.0.1:1" in errors
    assert "gisgrid db start" in errors
    assert "geheim" not in errors
    assert "Traceback" not in errors


def test_a_database_never_migrated_is_told_with_what_to_do(empty_database: Database) -> None:
    code, errors = _refused("--port", "0", url=empty_database.url)
    assert code == 1
    assert "gisgrid db migrate" in errors


def test_bad_use_is_exit_code_2(town: Database) -> None:
    for options in (("--port", "70000"), ("--workers", "0"), ("--nonsense",)):
        code, _ = _refused(*options, url=town.url)
        assert code == 2
