"""Bytes between a request and a thread that works on them: what comes in and what goes out, each with a bound.

The thread reads and writes as it would a file, and waits where there is nothing to read or no room to write; the event loop never waits
for the thread other than by ``await``.
"""

from __future__ import annotations

import asyncio
import io
import tempfile
import threading
from collections import deque
from typing import IO, Any

from gisgrid.errors import TooLargeError

MOST_BYTES = 4 << 20
"""Bytes that wait in memory on each way; what is being worked on comes on top."""

MOST_AT_ONCE = 256 << 20
"""Most bytes that are asked for at a time: a record batch of an Arrow stream is read whole."""

_PATIENCE_S = 0.5
_CHUNK = 1 << 18


class BrokenOffError(Exception):
    """The other side is gone: there is nothing more to read, and nobody to write for."""


class _Pipe(io.RawIOBase):
    """What both ways have in common: a lock, chunks that wait, and an end that is either regular or not."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._loop = loop
        self._changed = threading.Condition()
        self._chunks: deque[bytes] = deque()
        self._held = 0
        self._ended = False
        self._fault: Exception | None = None
        self._loop_may_go = asyncio.Event()

    def break_off(self, fault: Exception | None = None) -> None:
        """Let whoever reads or writes find that it is over, with ``fault`` if there is one; from any thread."""
        with self._changed:
            self._fault = self._fault or fault or BrokenOffError()
            self._chunks.clear()
            self._held = 0
            self._changed.notify_all()
        self._wake_loop()

    def check(self) -> None:
        """Raise what ``break_off`` was given, if it was called."""
        if self._fault is not None:
            raise self._fault

    def _wake_loop(self) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._loop_may_go.set)

    async def _wait(self) -> None:
        await self._loop_may_go.wait()
        self._loop_may_go.clear()

    def seekable(self) -> bool:
        """Return that there is no way back."""
        return False


class Inbox(_Pipe):
    """The body of a request, put in as it arrives and read by a thread as from a file."""

    is_ended = False
    """Whether all of the body has arrived."""

    async def put(self, chunk: bytes) -> None:
        """Take up a part of the body, when there is room for it."""
        with self._changed:
            if self._fault is None:
                self._chunks.append(chunk)
                self._held += len(chunk)
                self._changed.notify_all()
        while self._fault is None and self._held >= MOST_BYTES:
            await self._wait()

    def end(self) -> None:
        """Say that this was all."""
        with self._changed:
            self._ended = self.is_ended = True
            self._changed.notify_all()

    def read(self, size: int = -1) -> bytes:
        """Return ``size`` bytes, or fewer when no more come; raises what ``break_off`` was given, TooLargeError for too many."""
        if size > MOST_AT_ONCE:
            # A record batch of a table is read in one.
            raise TooLargeError(f"The body has a part of {size} bytes.", f"Send tables in record batches of at most {MOST_AT_ONCE} bytes.")
        parts: list[bytes] = []
        missing = size if size >= 0 else 1 << 62
        while missing > 0:
            part = self._next(missing)
            if not part:
                break
            parts.append(part)
            missing -= len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _next(self, most: int) -> bytes:
        with self._changed:
            while not self._chunks and not self._ended and self._fault is None:
                self._changed.wait()
            if self._fault is not None:
                raise self._fault
            if not self._chunks:
                return b""
            chunk = self._chunks.popleft()
            if len(chunk) > most:
                self._chunks.appendleft(chunk[most:])
                chunk = chunk[:most]
            was_full, self._held = self._held >= MOST_BYTES, self._held - len(chunk)
            has_room = was_full and self._held < MOST_BYTES
        if has_room:
            self._wake_loop()
        return chunk

    def give_back(self, part: bytes) -> None:
        """Put bytes that were read last back, to be read again."""
        with self._changed:
            if part and self._fault is None:
                self._chunks.appendleft(part)
                self._held += len(part)

    def readable(self) -> bool:
        """Return that it is to be read."""
        return True


class Outbox(_Pipe):
    """An answer, written by a thread as to a file and taken out as the client takes it.

    Where the client does not read before all of its body is sent, as simple clients do, what has no room in memory goes to a temporary
    file of at most ``most_spooled`` bytes: otherwise both would wait for each other.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, inbox: Inbox, most_spooled: int) -> None:
        super().__init__(loop)
        self._inbox, self._most_spooled = inbox, most_spooled
        self._spool: IO[bytes] | None = None
        self._spooled = self._unspooled = 0
        self._written = 0
        self._told = False

    def write(self, content: Any) -> int:
        """Take up a part of the answer, when there is room for it; raises BrokenOffError when nobody wants it any more."""
        chunk = bytes(content)
        with self._changed:
            if not self._has_room() and not self._may_spool():
                self._changed.wait_for(lambda: self._has_room() or self._may_spool())
            elif not self._has_room() and not self._is_spooling():
                self._changed.wait_for(self._has_room, _PATIENCE_S)
            if self._fault is not None:
                self._tell_once()
                return len(chunk)
            if self._has_room():
                self._chunks.append(chunk)
                self._held += len(chunk)
            else:
                self._to_spool(chunk)
            self._written += len(chunk)
        self._wake_loop()
        return len(chunk)

    def _has_room(self) -> bool:
        return self._fault is not None or (not self._is_spooling() and self._held < MOST_BYTES)

    def _may_spool(self) -> bool:
        return not self._inbox.is_ended and self._spooled < self._most_spooled

    def _is_spooling(self) -> bool:
        return self._spooled > self._unspooled

    def _to_spool(self, chunk: bytes) -> None:
        if self._spool is None:
            self._spool = tempfile.TemporaryFile()  # noqa: SIM115  closed by close_spool
        self._spool.seek(self._spooled)
        self._spool.write(chunk)
        self._spooled += len(chunk)

    def _tell_once(self) -> None:
        # Writers of tables end what they have begun when they are thrown away; that goes nowhere, and must not raise again.
        if not self._told:
            self._told = True
            raise self._fault or BrokenOffError()

    def end(self) -> None:
        """Say that this was all."""
        with self._changed:
            self._ended = True
        self._wake_loop()

    async def begun(self, size: int) -> bool:
        """Wait for the first ``size`` bytes, or all when there are fewer; return whether it is all. Raises what ``break_off`` was given."""
        while self._fault is None and not self._ended and self._held < size:
            await self._wait()
        if self._fault is not None:
            raise self._fault
        return self._ended

    async def take(self) -> bytes:
        """Return what has been written next, b"" at the end; raises what ``break_off`` was given."""
        while True:
            with self._changed:
                if self._fault is not None:
                    raise self._fault
                chunk = self._next()
                if chunk or self._ended:
                    self._changed.notify_all()
                    return chunk
            await self._wait()

    def _next(self) -> bytes:
        if self._chunks:
            parts = list(self._chunks)
            self._chunks.clear()
            self._held = 0
            return parts[0] if len(parts) == 1 else b"".join(parts)
        if self._spool is None or not self._is_spooling():
            return b""
        self._spool.seek(self._unspooled)
        chunk = self._spool.read(_CHUNK)
        self._unspooled += len(chunk)
        if not self._is_spooling():
            self._spool.seek(0)
            self._spool.truncate()
            self._spooled = self._unspooled = 0
        return chunk

    def close_spool(self) -> None:
        """Give the temporary file back."""
        with self._changed:
            if self._spool is not None:
                self._spool.close()
                self._spool = None

    def tell(self) -> int:
        """Return how many bytes have been written."""
        return self._written

    def writable(self) -> bool:
        """Return that it is to be written to."""
        return True
