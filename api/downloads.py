"""Files that are made while they are sent, or just before: the work behind downloads, each in a thread of its own.

Formats whose beginning is written last are made in a temporary file. A client that goes away ends its download at once.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from api.asgi import Receive, unless_gone
from gisgrid.db import Database
from gisgrid.db.features.streaming import SnapshotReader
from gisgrid.errors import UnavailableError
from gisgrid.services.exports import Bounds, Export, chunks, write
from gisgrid.settings import ApiSettings

T = TypeVar("T")

MOST_INDEXED = 250_000
"""Of more features a FlatGeobuf file gets no spatial index: that is made in memory, some 160 bytes a feature."""

_FILE_CHUNK = 1 << 20


class Downloads:
    """The downloads of this process: so many at most at a time, each with a connection and a thread of its own."""

    def __init__(self, database: Database, limits: ApiSettings) -> None:
        self.database, self.limits = database, limits
        self._threads = ThreadPoolExecutor(limits.max_downloads, "download")
        self._readers: set[SnapshotReader] = set()

    @property
    def running(self) -> int:
        """How many downloads are at work."""
        return len(self._readers)

    def begin(self) -> SnapshotReader:
        """Return what one more download reads from; raises UnavailableError when there are as many as may be."""
        if self.running >= self.limits.max_downloads:
            raise UnavailableError(f"{self.running} downloads are being made.", "Try again in a moment.")
        reader = SnapshotReader(self.database, self.limits.download_timeout_s)
        self._readers.add(reader)
        return reader

    def submit(self, work: Callable[[], T]) -> Future[T]:
        """Do a piece of work of a download that counts, in a thread."""
        return self._threads.submit(work)

    def ended(self, reader: SnapshotReader) -> None:
        """Take note that a download has ended."""
        self._readers.discard(reader)

    def close(self) -> None:
        """End all downloads; may take a moment."""
        for reader in tuple(self._readers):
            reader.stop()
        self._threads.shutdown()


class Download:
    """One download at work: bytes to be sent, which come one chunk ahead of who takes them; ``aclose`` ends it in any case."""

    def __init__(self, downloads: Downloads, export: Export, receive: Receive) -> None:
        self._downloads, self._receive = downloads, receive
        self._source = _Source(downloads.begin(), export, downloads.limits)
        self._content = self._source.content()
        self._ahead = self._fetch()
        self._closed = False

    async def begun(self) -> int | None:
        """Wait until there is something to send; return how long it will be, where that is known then."""
        # Not to be cancelled with who waits: it has to be ended in its thread.
        await asyncio.shield(asyncio.wrap_future(self._ahead))
        return self._source.length

    def __aiter__(self) -> Download:
        return self

    async def __anext__(self) -> bytes:
        """Return the next chunk; there is none any more when the client has gone."""
        chunk = await unless_gone(asyncio.shield(asyncio.wrap_future(self._ahead)), self._receive)
        if not chunk:
            raise StopAsyncIteration
        self._ahead = self._fetch()
        return chunk

    def _fetch(self) -> Future[bytes]:
        return self._downloads.submit(lambda: next(self._content, b""))

    async def aclose(self) -> None:
        """End the download; may be called more than once, and does not wait for the thread."""
        if self._closed:
            return
        self._closed = True
        loop, ahead, reader = asyncio.get_running_loop(), self._ahead, self._source.reader

        def close(_: Future[bytes]) -> None:
            # It counts until its thread has ended, however soon the client goes.
            try:
                closing = self._downloads.submit(self._content.close)
            except RuntimeError:
                # The server has been stopped meanwhile: there are no threads any more.
                self._content.close()
                return
            closing.add_done_callback(lambda _: loop.call_soon_threadsafe(self._downloads.ended, reader))

        # What is being made is waited for: a generator cannot be closed while it runs.
        ahead.add_done_callback(close)
        if not ahead.done():
            await asyncio.to_thread(reader.stop)


class _Source:
    """The bytes of an export; ``length`` is how many there are, once that is known."""

    def __init__(self, reader: SnapshotReader, export: Export, limits: ApiSettings) -> None:
        self.reader, self._export, self._limits = reader, export, limits
        self.length: int | None = None

    def content(self) -> Generator[bytes, None, None]:
        """Yield what is to be sent; no chunk is empty."""
        return self._streamed() if self._export.format.is_streamed else self._from_file()

    def _streamed(self) -> Generator[bytes, None, None]:
        with self.reader as reader:
            for chunk in chunks(reader, self._export):
                if chunk:
                    yield chunk

    def _from_file(self) -> Generator[bytes, None, None]:
        with tempfile.TemporaryDirectory(prefix="gisgrid-download-") as folder:
            path = Path(folder, f"{self._export.query.layer.id}{self._export.format.suffix}")
            with self.reader as reader:
                write(reader, self._export, path, Bounds(self._limits.download_spool_bytes, MOST_INDEXED))
            self.length = path.stat().st_size
            # Once it is open its name is not needed: whatever happens, the file goes with the process.
            content = path.open("rb")
        with content:
            while chunk := content.read(_FILE_CHUNK):
                yield chunk
