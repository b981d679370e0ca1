"""``POST /locate/batch`` with rows: the body is answered while it arrives, in bounded memory, by a thread between two pipes.

The whole of a batch is answered by the locator that was served when it began. What is wrong with the beginning of the body is told as any
other bad request. When something fails later, the answer has begun already: then the connection is broken off, so that nobody
takes what has come for all.
"""

from __future__ import annotations

import asyncio
import gzip
import logging
import time
import zlib
from collections.abc import Coroutine, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, BinaryIO, cast

from starlette.responses import Response

from api.asgi import Header, Receive, Scope, Send
from api.backend import Backend
from api.media import content_type_of
from api.pipes import BrokenOffError, Inbox, Outbox
from api.problems import new_reference
from api.stream_params import AskedStream
from gisgrid.errors import GisgridError, SourceError, TooLargeError, UnavailableError
from gisgrid.services import AreasThen, Currency
from gisgrid.services.batch import BatchSummary, Done, Engine, Job, Work, finish, prepare
from gisgrid.services.batch.formats.base import InputOptions, Piece
from gisgrid.services.batch.formats.csv import CsvDialect
from gisgrid.settings import ApiSettings

_logger = logging.getLogger(__name__)

_FIRST_BYTES = 64 << 10
"""So much is answered before the status goes out: a fault at the beginning is still a 400."""

_PIECE_BYTES = 1 << 20
_PIECE_ROWS = 1 << 16
_SCHEMA_BYTES = 4 << 20
_FILE_MAGIC = b"ARROW1"
_BODY_NAME = "The body"


class Streams:
    """The batches that are being answered in this process: so many at most, each with a thread of its own."""

    def __init__(self, limits: ApiSettings) -> None:
        self._most = limits.max_streams
        self._pool = ThreadPoolExecutor(limits.max_streams, "stream")
        self.running = 0

    def start(self, work: Any) -> asyncio.Future[BatchSummary]:
        """Run ``work`` in a thread and return what will come of it; raises UnavailableError when there are as many as may be."""
        self.check()
        self.running += 1
        future: Future[BatchSummary] = self._pool.submit(work)
        loop = asyncio.get_running_loop()
        # It counts until its thread has ended, however soon the client goes.
        future.add_done_callback(lambda _: loop.call_soon_threadsafe(self._ended))
        return asyncio.wrap_future(future)

    def check(self) -> None:
        """Raise UnavailableError when there are as many as may be."""
        if self.running >= self._most:
            raise UnavailableError(f"{self._most} batches are being answered.", "Try again in a moment.")

    def _ended(self) -> None:
        self.running -= 1


class Inline:
    """Does the work on one piece after the other in the thread that asks, so that one batch takes one core at most."""

    def map(self, work: Work, pieces: Iterator[Piece]) -> Iterator[Done]:
        """Yield ``work`` of each piece."""
        for piece in pieces:
            yield work(piece)


class StreamedBatch(Response):
    """The answer to a batch of rows; it reads the body itself."""

    def __init__(self, backend: Backend, streams: Streams, asked: AskedStream, then: AreasThen | None) -> None:
        super().__init__()
        self._streams, self._asked, self._limits = streams, asked, backend.settings.api
        # Before the snapshot: should the data catch up between the two, the answer is newer than it says, never older.
        currency, now = backend.model.currency(), backend.model.snapshot
        self._locator = now.locator if then is None else then.locator
        self._box = backend.deployment.box
        self._told = _headers(now.version, currency, then)
        self._moved = time.monotonic()
        self._waiting = 0
        self._content_type = ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request; raises GisgridError as long as nothing has been sent."""
        loop = asyncio.get_running_loop()
        inbox = Inbox(loop)
        outbox = Outbox(loop, inbox, self._limits.stream_spool_bytes)
        working = self._streams.start(lambda: self._work(inbox, outbox))
        # Whatever goes wrong in the thread is told to who waits for the answer.
        working.add_done_callback(lambda done: outbox.break_off(_fault_of(done)) if _fault_of(done) else None)
        beside = [asyncio.create_task(part) for part in (self._receive(receive, inbox, outbox), self._watch(inbox, outbox))]
        try:
            await self._send(outbox, send)
        except BrokenOffError:
            _logger.info("a client of %s has gone before its answer was complete", scope["path"])
        except GisgridError as error:
            if not self._is_begun:
                raise
            _logger.warning("broken off at %s, reference %s: %s", scope["path"], new_reference(), error)
        except Exception as error:
            if not self._is_begun:
                raise
            _logger.error("broken off at %s, reference %s", scope["path"], new_reference(), exc_info=error)
        finally:
            inbox.break_off()
            outbox.break_off()
            for task in beside:
                task.cancel()
            await asyncio.gather(working, *beside, return_exceptions=True)
            outbox.close_spool()

    _is_begun = False

    async def _receive(self, receive: Receive, inbox: Inbox, outbox: Outbox) -> None:
        """Put the body into ``inbox`` as it arrives, then wait until the client goes."""
        size, limit = 0, self._limit()
        while True:
            message = await self._while_waiting(receive())
            if message["type"] == "http.disconnect":
                inbox.break_off()
                outbox.break_off()
                return
            size += len(message.get("body", b""))
            if limit is not None and size > limit:
                inbox.break_off(TooLargeError(f"The body is longer than {limit} bytes.", "Send it in several parts."))
                return
            if message.get("body"):
                await inbox.put(message["body"])
            if not message.get("more_body", False):
                inbox.end()
                break
        # The next message says that the client has gone, or that it has got all.
        await receive()
        inbox.break_off()
        outbox.break_off()

    def _limit(self) -> int | None:
        """Return how long a body may be: what has to be kept whole before it can be read has the limit of any other body."""
        if self._asked.input_format in {"parquet", "arrow"}:
            return self._limits.max_body_bytes
        return self._limits.max_stream_bytes

    async def _while_waiting(self, doing: Coroutine[Any, Any, Any] | Any) -> Any:
        """Wait for the client, which is then what is waited for."""
        self._waiting += 1
        self._moved = time.monotonic()
        try:
            return await doing
        finally:
            self._waiting -= 1
            self._moved = time.monotonic()

    async def _watch(self, inbox: Inbox, outbox: Outbox) -> None:
        """Break off when nothing has moved for too long and it is the client that is waited for."""
        idle_s = self._limits.stream_idle_s
        while True:
            await asyncio.sleep(idle_s / 4)
            if not self._waiting:
                self._moved = time.monotonic()
            elif time.monotonic() - self._moved > idle_s:
                fault = SourceError(f"{_BODY_NAME} has not gone on for {idle_s:g} s.", "Send and read without pausing so long.")
                inbox.break_off(fault)
                outbox.break_off(fault)

    async def _send(self, outbox: Outbox, send: Send) -> None:
        """Send the answer as it is written; one that is whole before it has to begin tells its length."""
        is_ended = await outbox.begun(_FIRST_BYTES)
        headers = [*self._told, (b"content-type", self._content_type.encode()), (b"cache-control", b"no-store")]
        chunk = await outbox.take()
        if is_ended and len(chunk) == outbox.tell():
            headers.append((b"content-length", b"%d" % len(chunk)))
        self._is_begun = True
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        while chunk:
            await self._while_waiting(send({"type": "http.response.body", "body": chunk, "more_body": True}))
            chunk = await outbox.take()
        await send({"type": "http.response.body", "body": b""})

    def _work(self, inbox: Inbox, outbox: Outbox) -> BatchSummary:
        """Read, answer and write the rows, in a thread."""
        try:
            job = self._prepared(inbox, outbox)
            summary = finish(job, cast(BinaryIO, outbox), Inline())
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise SourceError(f"{_BODY_NAME} is no whole gzip: {error}.", "Send it again.") from error
        outbox.end()
        _logger.info("a batch of %d rows in %.1f s: %s", summary.rows, summary.seconds, summary.outcomes)
        return summary

    def _prepared(self, inbox: Inbox, outbox: Outbox) -> Job:
        asked = self._asked
        if asked.input_format == "arrow-stream":
            _refuse_file(inbox)
        # Columns of a table are made of the members that the beginning has: as much of it as for files.
        from_text_to_table = asked.input_format in {"json", "ndjson"} and asked.output_format not in {"json", "ndjson"}
        job = prepare(
            cast(BinaryIO, inbox),
            Engine(self._locator, self._box, asked.plan, outbox.check),
            input_format=asked.input_format,
            output_format=asked.output_format,
            options=InputOptions(_BODY_NAME, asked.encoding, _SCHEMA_BYTES if from_text_to_table else _PIECE_BYTES, _PIECE_ROWS),
            keep=asked.keep,
            gzipped=(asked.is_gzip, False),
        )
        dialect = job.input.dialect
        is_csv_again = isinstance(dialect, CsvDialect) and asked.output_format in {"csv", "tsv"}
        encoding = cast(CsvDialect, dialect).encoding if is_csv_again else "utf-8"
        self._content_type = content_type_of(asked.output_format, encoding.removesuffix("-sig"))
        return job


def _fault_of(working: asyncio.Future[BatchSummary]) -> Exception | None:
    fault = None if working.cancelled() else working.exception()
    return fault if isinstance(fault, Exception) else None


def _refuse_file(inbox: Inbox) -> None:
    head = inbox.read(len(_FILE_MAGIC))
    if head == _FILE_MAGIC:
        raise SourceError(f"{_BODY_NAME} is an Arrow file, not a stream.", "Send it as application/vnd.apache.arrow.file.")
    inbox.give_back(head)


def _headers(version: int, currency: Currency, then: AreasThen | None) -> list[Header]:
    """Return what answers say in their document otherwise: version of the data, how current they are, and as of when."""
    told = {"data-version": str(version)}
    for name, value in currency.as_document().items():
        told[name.replace("_", "-")] = str(value).lower()
    if then is not None:
        document = cast(dict[str, Any], then.as_document())
        told["as-of"], told["generation"] = str(document["as_of"]), str(document["generation"]["id"])
    headers = [(f"gisgrid-{name}".encode(), value.encode()) for name, value in told.items()]
    return [*headers, (b"access-control-expose-headers", b", ".join(name for name, _ in headers))]
