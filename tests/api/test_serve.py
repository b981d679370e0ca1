"""``gisgrid serve``: as a process of its own, and what keeps it from starting."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import typer
from typer.testing import CliRunner

from api.commands import serve
from gisgrid.db import Database
from gisgrid.errors import ConfigError, DatabaseError, UnavailableError

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


@pytest.mark.parametrize(("workers", "number"), [("1", signal.SIGINT), ("2", signal.SIGTERM)])
def test_it_says_where_it_listens_answers_and_ends_in_order(town: Database, workers: str, number: signal.Signals) -> None:
    with _started(town.url, "--workers", workers) as (process, address):
        answer = httpx.get(f"{address}/locate?lon=120.3722&lat=36.0819&crs=wgs84", timeout=30)
        assert answer.json()["grid"]["code"] == "370203001001001"
        assert "server" not in answer.headers
        with httpx.stream("GET", f"{address}/cases/stream", timeout=30) as listening:
            parts = listening.iter_raw()
            assert next(parts).startswith(b"retry")
            process.send_signal(number)
            begin = time.monotonic()
            # To its end, and not broken off: the server would have waited ten seconds for it.
            list(parts)
        _, errors = process.communicate(timeout=30)
        assert time.monotonic() - begin < 9.0
        assert process.returncode == 0, errors
        assert "Traceback" not in errors


def test_a_database_that_is_down_ends_the_command_with_1_and_a_line_that_says_what_to_do() -> None:
    environment = {**os.environ, "GISGRID_DATABASE_URL": "postgresql://u:geheim@127.0.0.1:1/none"}
    done = subprocess.run([GISGRID, "serve", "--port", "0"], capture_output=True, text=True, env=environment, timeout=60, check=False)
    assert done.returncode == 1
    assert "127.0.0.1:1" in done.stderr
    assert "gisgrid db start" in done.stderr
    assert "geheim" not in done.stderr
    assert "Traceback" not in done.stderr


def test_a_port_in_use_is_told_with_what_to_do(town: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GISGRID_DATABASE_URL", town.url)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UnavailableError, match=rf"Port {port} on 127.0.0.1 is in use.*--port 0") as caught:
            serve(port=port)
    assert caught.value.exit_code == 1


def test_an_address_of_another_machine_is_told() -> None:
    with pytest.raises(UnavailableError, match=r"192\.0\.2\.1"):
        serve(host="192.0.2.1", port=0)


def test_a_host_name_that_means_nothing_is_told() -> None:
    with pytest.raises(UnavailableError, match="no-such-host"):
        serve(host="no-such-host.invalid", port=0)


def test_a_database_never_migrated_is_told_with_what_to_do(empty_database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GISGRID_DATABASE_URL", empty_database.url)
    with pytest.raises(DatabaseError, match="gisgrid db migrate"):
        serve(port=0)


def test_a_deployment_that_does_not_exist_is_told_before_anything_starts(town: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GISGRID_DATABASE_URL", town.url)
    monkeypatch.setenv("GISGRID_DEPLOYMENT", "atlantis")
    with pytest.raises(ConfigError, match="atlantis"):
        serve(port=0)


@pytest.mark.parametrize("options", [("--port", "70000"), ("--port", "http"), ("--workers", "0"), ("--nonsense",)])
def test_bad_options_are_refused_with_2(options: tuple[str, ...]) -> None:
    app = typer.Typer()
    app.command()(serve)
    assert CliRunner().invoke(app, list(options)).exit_code == 2
