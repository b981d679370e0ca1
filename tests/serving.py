"""Real server processes for tests and benchmarks: started on a free port, waited for, ended by their id."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.forks import Forked, start

GISGRID = str(Path(sys.executable).with_name("gisgrid"))


class Server(NamedTuple):
    """A running server: its process id and where it listens."""

    pid: int
    port: int

    @property
    def url(self) -> str:
        """The address, without a slash at its end."""
        return f"http://127.0.0.1:{self.port}"


def free_port() -> int:
    """Return a port that nobody listens on at this moment."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@contextmanager
def served(command: Sequence[str], environment: Mapping[str, str], port: int | None = None, *, afresh: bool = False) -> Iterator[Server]:
    """Run ``command`` with a port as its last argument, a free one by default, and give the server once it accepts connections.

    ``afresh`` is for those who measure its memory: a test's server is otherwise forked from a process that has imported all.
    """
    port = port or free_port()
    process = _started([*command, str(port)], {**os.environ, **environment}, afresh=afresh)
    try:
        _wait(process, port)
        yield Server(process.pid, port)
    finally:
        process.terminate()
        process.wait(30)


def _started(command: list[str], environment: dict[str, str], *, afresh: bool) -> subprocess.Popen[bytes] | Forked:
    # Benchmarks measure a server as a user starts it. So is one with several processes, which starts the others in ways of its own.
    is_test, is_alone = "PYTEST_VERSION" in environment, environment.get("GISGRID_API__WORKERS", "1") == "1" and "--workers" not in command
    if is_test and is_alone and not afresh and command[0] == GISGRID:
        return start("gisgrid.cli", command[1:], environment, {1: Path(os.devnull)})
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, env=environment)


def _wait(process: subprocess.Popen[bytes] | Forked, port: int, seconds: float = 180) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"the server on port {port} did not start (exit code {process.poll()})")
