"""Processes of gisgrid and Dask that need not import everything first: they are forked from one that has.

A start then costs hundredths of a second of the processor instead of two to four seconds. They are processes like any other: with a
number, an environment and an end of their own. Only what a start from nothing is about must be a ``subprocess``.
"""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from multiprocessing.process import BaseProcess
from pathlib import Path

_CONTEXT = multiprocessing.get_context("forkserver")
# For all who fork, since there is one such process for each worker of the tests.
_CONTEXT.set_forkserver_preload(
    [
        "gisgrid.cli",
        "gisgrid.services.batch.commands",
        "gisgrid.services.batch.dask_cluster",
        "ingest.load_command",
        "ingest.pipeline",
        "api.commands",
        "api.protocol",
        "api.app",
        "uvloop",
        "distributed.cli.dask_scheduler",
        "distributed.cli.dask_worker",
    ]
)


class Forked:
    """A process under way, with what is needed of ``subprocess.Popen``."""

    def __init__(self, process: BaseProcess) -> None:
        self._process = process
        assert process.pid is not None
        self.pid: int = process.pid

    def poll(self) -> int | None:
        """Return its exit code, None while it runs."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Return its exit code, minus the signal that ended it; raises TimeoutExpired when it does not end."""
        self._process.join(timeout)
        code = self._process.exitcode
        if code is None:
            raise subprocess.TimeoutExpired(self._process.name, timeout or 0.0)
        return code

    def terminate(self) -> None:
        """Ask it to end."""
        self._process.terminate()

    def kill(self) -> None:
        """End it."""
        self._process.kill()


def start(program: str, arguments: Sequence[str], environment: Mapping[str, str], streams: Mapping[int, Path] | None = None) -> Forked:
    """Start ``program``, a module with a ``main``, with the whole ``environment``; ``streams`` are files for its descriptors 0, 1 and 2."""
    paths = {number: str(path) for number, path in (streams or {}).items()}
    process = _CONTEXT.Process(target=_be, args=(program, list(arguments), dict(environment), paths), name=program)
    process.start()
    return Forked(process)


def gisgrid(
    arguments: Sequence[str], environment: Mapping[str, str] | None = None, content: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    """Run ``gisgrid`` to its end, with ``content`` as its standard input; ``environment`` comes on top of ours."""
    with tempfile.TemporaryDirectory() as folder:
        streams = {number: Path(folder) / name for number, name in enumerate(("in", "out", "err"))}
        streams[0].write_bytes(content)
        code = start("gisgrid.cli", arguments, {**os.environ, **(environment or {})}, streams).wait()
        return subprocess.CompletedProcess(list(arguments), code, streams[1].read_bytes(), streams[2].read_bytes())


def _be(program: str, arguments: list[str], environment: dict[str, str], streams: dict[int, str]) -> None:
    os.environ.clear()
    os.environ.update(environment)
    for number, path in streams.items():
        opened = os.open(path, os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(opened, number)
        os.close(opened)
    if 0 in streams:
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.argv = [program, *arguments]
    if "dask" in sys.modules:
        sys.modules["dask"].config.refresh()  # it reads the environment once, when it is imported
    __import__(program)
    sys.modules[program].main()
