"""A batch on a Dask cluster: the locator travels once to each worker, then the pieces, and the answers come back in order.

The locator and what is done with it travel in a worker plugin, which Dask keeps for workers that join later; each piece is then a
task of its own that names the plugin. A task whose worker dies is done by another worker: Dask keeps it until its answer has been taken.
Record batches travel as Arrow messages, for those that are parts of larger ones would take the whole with them.

Workers need the same version of gisgrid as the client, the scheduler does not need it at all.
"""

from __future__ import annotations

import asyncio
import pickle
import time
from collections import deque
from collections.abc import Iterator
from typing import Any, NamedTuple, cast

import dask
import pyarrow as pa
from distributed import Client, Worker, WorkerPlugin, get_worker
from distributed.scheduler import KilledWorker

from gisgrid import __version__
from gisgrid.errors import GisgridError, UnavailableError, UsageError
from gisgrid.locator import Locator
from gisgrid.locator.arrays import FORMAT
from gisgrid.services.batch.engine import Engine
from gisgrid.services.batch.formats.base import Piece
from gisgrid.services.batch.pipeline import Done, Work

_CONNECT_S = 10.0
_NO_WORKER_S = 60.0
_LOOK_EVERY_S = 2.0
_PREFIX = "gisgrid-batch-"


class Version(NamedTuple):
    """What has to be equal on client and workers: the version of gisgrid, and the number of the locator's format."""

    gisgrid: str
    locator_format: int

    def __str__(self) -> str:
        return f"gisgrid {self.gisgrid} (locator format {self.locator_format})"


def version_here() -> Version:
    """Return the version of this process."""
    return Version(__version__, FORMAT)


class Received(NamedTuple):
    """What a worker has got for a run: how many times, and the bytes of the locator, all together."""

    times: int
    locator_bytes: int


_RECEIVED: dict[str, Received] = {}


def received() -> dict[str, Received]:
    """Return what this process has received as a worker, by run."""
    return dict(_RECEIVED)


class LocatorPlugin(WorkerPlugin):
    """Brings the locator, and what is done to each piece, to a worker; it is there until the run is over."""

    def __init__(self, name: str, work: Work) -> None:
        self.name, self.version = name, version_here()
        engine = work.engine
        self._locator = bytes(engine.locator.to_bytes())
        self._rest = pickle.dumps((engine.box, engine.plan, work.decoder, work.encoder, work.columns, work.kept, work.is_gzip))
        self.work: Work | None = None

    def setup(self, worker: Worker) -> None:
        """Take the locator up; raises UsageError when the worker has another version."""
        if self.version != version_here():
            raise _other_version(worker.address, version_here(), self.version)
        before = _RECEIVED.get(self.name, Received(0, 0))
        _RECEIVED[self.name] = Received(before.times + 1, before.locator_bytes + len(self._locator))
        box, plan, decoder, *rest = pickle.loads(self._rest)
        self.work = Work(decoder, Engine(Locator.from_bytes(self._locator), box, plan), *rest)
        # From here on it is in the work.
        self._locator = b""

    def teardown(self, worker: Worker) -> None:  # noqa: ARG002
        """Let go of the locator."""
        self.work = None
        _RECEIVED.pop(self.name, None)


def _other_version(address: str, theirs: object, ours: object) -> UsageError:
    return UsageError(f"The worker at {address} has {theirs}, this is {ours}.", "Install the same version of gisgrid everywhere.")


class Parcel(NamedTuple):
    """A piece or its answer as it travels: record batches as Arrow messages."""

    content: Any
    is_table: bool
    rest: tuple[Any, ...]


def _packed(content: Any, rest: tuple[Any, ...]) -> Parcel:
    if not isinstance(content, pa.RecordBatch):
        return Parcel(content, False, rest)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, content.schema) as writer:
        writer.write_batch(content)
    return Parcel(sink.getvalue().to_pybytes(), True, rest)


def _unpacked(parcel: Parcel) -> Any:
    if not parcel.is_table:
        return parcel.content
    with pa.ipc.open_stream(parcel.content) as reader:
        return reader.read_next_batch()


def work_on(name: str, parcel: Parcel) -> Parcel:
    """Return the answer to a piece, on a worker that has the plugin called ``name``."""
    plugin = get_worker().plugins.get(name)
    if not isinstance(plugin, LocatorPlugin) or plugin.work is None:
        raise UnavailableError(
            "A worker has joined that could not take the locator.", "Its log says why: gisgrid may be of another version."
        )
    done = plugin.work(Piece(_unpacked(parcel), *parcel.rest))
    return _packed(done.payload, done[1:])


class DaskCluster:
    """The executor that has the pieces of a batch done by a Dask cluster; use it in a ``with`` block.

    ``ahead`` pieces are on the way for each thread of the workers, or one more than that where there is none. Raises UnavailableError
    when there is no scheduler at ``address``, UsageError when a worker has another version of gisgrid, or none.
    """

    def __init__(self, address: str, *, ahead: int = 2, no_worker_s: float = _NO_WORKER_S) -> None:
        self._address, self._ahead, self._no_worker_s = address, ahead, no_worker_s
        try:
            # Most of the client's methods have no types.
            self._client: Any = cast(Any, Client)(address, timeout=_CONNECT_S, set_as_default=False)
        except (TimeoutError, OSError, ValueError) as error:
            raise UnavailableError(f"There is no Dask scheduler at {address}: {error}.", "Give its address, as tcp://host:8786.") from error

    def __enter__(self) -> DaskCluster:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Leave the cluster."""
        self._client.close()

    def map(self, work: Work, pieces: Iterator[Piece]) -> Iterator[Done]:
        """Yield ``work`` of each piece in their order; raises UnavailableError when the cluster cannot go on."""
        self._wait_for_workers()
        self._check_versions()
        name = _PREFIX + self._client.id
        waiting: deque[Any] = deque()
        try:
            self._register(LocatorPlugin(name, work))
            for number, piece in enumerate(pieces):
                waiting.append(self._submit(name, number, piece))
                if len(waiting) >= self._most():
                    yield self._answer(waiting)
            while waiting:
                yield self._answer(waiting)
        finally:
            self._leave(name, waiting)

    def _most(self) -> int:
        threads: int = sum(self._client.nthreads().values())
        return self._ahead * threads + 1

    def _submit(self, name: str, number: int, piece: Piece) -> Any:
        # A piece travels in its task, so that Dask has it again when a worker dies: it may be as large as pieces are.
        with dask.config.set({"distributed.admin.large-graph-warning-threshold": "4 GiB"}):
            return self._client.submit(work_on, name, _packed(piece.content, piece[1:]), key=f"{name}-{number}", pure=False)

    def _answer(self, waiting: deque[Any]) -> Done:
        parcel: Parcel = self._result(waiting[0])
        waiting.popleft().release()
        return Done(_unpacked(parcel), *parcel.rest)

    def _result(self, future: Any) -> Any:
        """Return what came of a task; raises UnavailableError when no worker has been there for too long."""
        alone_since = None
        while True:
            try:
                return future.result(timeout=_LOOK_EVERY_S)
            except TimeoutError:
                now = time.monotonic()
                if self._client.status != "running":
                    raise _lost(self._address) from None
                alone_since = None if self._client.nthreads() else alone_since or now
                if alone_since is not None and now - alone_since > self._no_worker_s:
                    raise _no_worker(self._address, self._no_worker_s) from None
            except KilledWorker as error:
                raise UnavailableError(
                    f"Workers of {self._address} die again and again.", "Their logs say why; is there memory?"
                ) from error
            except asyncio.CancelledError as error:
                raise _lost(self._address) from error

    def _wait_for_workers(self) -> None:
        try:
            self._client.wait_for_workers(1, timeout=self._no_worker_s)
        except TimeoutError:
            raise _no_worker(self._address, self._no_worker_s) from None

    def _check_versions(self) -> None:
        """Raise UsageError unless all workers have the version of this process."""
        found = self._client.run(_version_there, on_error="return")
        for address, theirs in found.items():
            if isinstance(theirs, ImportError):
                raise UsageError(
                    f"The worker at {address} has no gisgrid that can do this: {theirs}.", "Install gisgrid there."
                ) from theirs
            if isinstance(theirs, BaseException):
                raise UnavailableError(f"The worker at {address} does not answer: {theirs}.", "Its log says why.") from theirs
            if theirs != version_here():
                raise _other_version(address, theirs, version_here())

    def _register(self, plugin: LocatorPlugin) -> None:
        try:
            self._client.register_plugin(plugin, name=plugin.name)
        except OSError as error:
            raise UnavailableError(f"The locator has not come to all workers of {self._address}: {error}.", "Try again.") from error

    def _leave(self, name: str, waiting: deque[Any]) -> None:
        """Take back what is still to be done, and the locator."""
        if self._client.status != "running":
            return
        if waiting:
            self._client.cancel(list(waiting))
        try:
            self._client.unregister_worker_plugin(name)
        except (OSError, ValueError, KeyError, GisgridError):
            # A worker that has died meanwhile, or never got it, has nothing to give back.
            return


def _version_there() -> Version:
    return version_here()


def _lost(address: str) -> UnavailableError:
    return UnavailableError(
        f"The Dask scheduler at {address} is gone.", "Start it again, and then the same command: it goes on where it was."
    )


def _no_worker(address: str, seconds: float) -> UnavailableError:
    return UnavailableError(f"The Dask scheduler at {address} has had no worker for {seconds:g} s.", "Start a worker: dask worker ADDRESS.")
