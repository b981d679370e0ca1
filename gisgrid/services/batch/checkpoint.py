"""Going on after a break: what has been written of an output so far, and from where in the input it goes on.

While a batch runs, its output grows in a hidden folder beside the one to be written; every few seconds a note says how far input and
output have come together. A run that finds such a note of the same input, options and data cuts the output back to it and goes on:
bytes come out as if there had been no break. With anything else it begins anew, so that no output mixes two versions of the
data. Tables cannot be cut back, so they are written in segments, which are joined at the end when there is more than one.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from gisgrid.errors import SourceError, UsageError
from gisgrid.services.batch.addressed import AnyEngine
from gisgrid.services.batch.pipeline import Done, Job, Sink

_HEAD = 1 << 20
_NOTE, _PART, _LOCK = "checkpoint.json", "part", "lock"


class Pace(NamedTuple):
    """How often what has been done is made sure of, seconds: notes for bytes, segments for tables."""

    note_s: float = 5.0
    segment_s: float = 20.0


class Reached(NamedTuple):
    """How far a run has come: the place in the input, the bytes and segments written, the rows and their outcomes."""

    end: int = 0
    written: int = 0
    segments: int = 0
    rows: int = 0
    outcomes: dict[str, int] = {}  # noqa: RUF012  never changed


Fingerprint = dict[str, str]
"""What has to be the same for a run to be gone on with, by what it is called in messages."""


def fingerprint_of(source: Path, engine: AnyEngine, options: object) -> Fingerprint:
    """Return what tells input, options and data from others: size, time and beginning of the file; a hash of the locator."""
    state = source.stat()
    with source.open("rb") as file:
        head = hashlib.blake2b(file.read(_HEAD), digest_size=16).hexdigest()
    return {
        "input": f"{state.st_size} {state.st_mtime_ns} {head}",
        "options": repr((engine.plan, engine.box, options)),
        "data": engine.data,
    }


class Draft:
    """An output while it is written; use ``begin``. ``reached`` is where it goes on, ``why_anew`` what has changed since, if anything."""

    def __init__(self, folder: Path, job: Job, fingerprint: Callable[[], Fingerprint], pace: Pace) -> None:
        self._folder, self._job, self._pace = folder, job, pace
        self._make_fingerprint = fingerprint
        self._fingerprint: Fingerprint | None = None
        self._is_table = job.output.writer is not None
        self.reached, self.why_anew = self._found()
        self._is_noted = self.reached.rows > 0
        # What is written goes to the disk while the work goes on: a slow disk takes as long for it as the work itself.
        self._noting = ThreadPoolExecutor(1, "batch-note")
        self._pending: Future[None] | None = None
        self._segments = self.reached.segments
        self._file, self._sink = self._open()
        self._last = time.monotonic()

    def _found(self) -> tuple[Reached, str]:
        """Return where an earlier run came to, if it can be gone on with, else what has changed."""
        try:
            note = orjson.loads((self._folder / _NOTE).read_bytes())
            reached = Reached(**note["reached"])
        except (OSError, ValueError, TypeError, KeyError):
            return Reached(), ""
        changed = [name for name, value in self._print().items() if note.get("fingerprint", {}).get(name) != value]
        return (Reached(), " and ".join(changed)) if changed else (reached, "")

    def _print(self) -> Fingerprint:
        if self._fingerprint is None:
            self._fingerprint = self._make_fingerprint()
        return self._fingerprint

    def _open(self) -> tuple[BinaryIO, Sink]:
        """Return the file to write to, cut back to where it goes on, and what writes to it."""
        for path in self._folder.iterdir():
            if path.name not in {_LOCK, _NOTE, _PART} and not (path.stem.isdecimal() and int(path.stem) < self._segments):
                path.unlink()
        path = self._segment(self._segments) if self._is_table else self._folder / _PART
        begun = self.reached.rows > 0 and not self._is_table
        file = path.open("r+b" if begun else "wb")
        if begun:
            file.truncate(self.reached.written)
            file.seek(self.reached.written)
        return file, Sink(self._job, file, begun=begun)

    def _segment(self, number: int) -> Path:
        return self._folder / f"{number:06d}.segment"

    def write(self, done: Done) -> None:
        """Write what came of a piece, and note it when it is time."""
        self._sink.write(done.payload)
        before = self.reached
        outcomes = {name: before.outcomes.get(name, 0) + done.outcomes.get(name, 0) for name in before.outcomes | done.outcomes}
        self.reached = before._replace(end=done.end, rows=before.rows + done.rows, outcomes=outcomes)
        if time.monotonic() - self._last >= (self._pace.segment_s if self._is_table else self._pace.note_s):
            self._make_sure()
            self._last = time.monotonic()

    def _make_sure(self) -> None:
        self._wait()
        if self._is_table:
            self._sink.close()
        self._file.flush()
        if self._is_table:
            self._segments += 1
        written = 0 if self._is_table else self._file.tell()
        self.reached = self.reached._replace(written=written, segments=self._segments)
        self._pending = self._noting.submit(self._note, self._file, self.reached)
        if self._is_table:
            self._file = self._segment(self._segments).open("wb")
            self._sink = Sink(self._job, self._file)

    def _note(self, file: BinaryIO, reached: Reached) -> None:
        """Note how far the run has come once that is on the disk; a segment is then done with."""
        os.fsync(file.fileno())
        if self._is_table:
            file.close()
        note = self._folder / (_NOTE + ".new")
        note.write_bytes(orjson.dumps({"fingerprint": self._print(), "reached": reached._asdict()}))
        note.replace(self._folder / _NOTE)
        self._is_noted = True

    def _wait(self) -> None:
        """Wait until the last note is written; raises what it could not do."""
        pending, self._pending = self._pending, None
        if pending is not None:
            pending.result()

    def is_safe(self) -> bool:
        """Return whether there is something to go on with, when the last note is written."""
        with suppress(OSError):
            self._wait()
        return self._is_noted

    def finish(self, target: Path) -> None:
        """Put the whole output in the place of ``target``."""
        self._wait()
        self._sink.close()
        self._file.close()
        if not self._is_table:
            (self._folder / _PART).replace(target)
        elif not self._segments:
            self._segment(0).replace(target)
        else:
            whole = self._folder / "whole"
            with whole.open("wb") as file:
                sink = Sink(self._job, file)
                for number in range(self._segments + 1):
                    for batch in _batches(self._segment(number)):
                        sink.write(batch)
                sink.close()
            whole.replace(target)

    def close(self) -> None:
        """Close the file, whatever has come of it."""
        self._noting.shutdown(wait=True)
        if not self._file.closed:
            self._sink.let_go()
            self._file.close()


def _batches(path: Path) -> Iterator[Any]:
    """Yield the record batches of a segment, one for each that was written."""
    with path.open("rb") as file:
        is_parquet = file.read(4) == b"PAR1"
        file.seek(0)
        if is_parquet:
            parquet = pq.ParquetFile(file)
            for number in range(parquet.num_row_groups):
                yield from parquet.read_row_group(number).combine_chunks().to_batches()
        else:
            reader = pa.ipc.open_file(file)
            yield from (reader.get_batch(number) for number in range(reader.num_record_batches))


@contextmanager
def begin(target: Path, job: Job, fingerprint: Callable[[], Fingerprint], pace: Pace, *, restart: bool = False) -> Iterator[Draft]:
    """Open a draft of ``target`` for a block that ends by finishing it.

    With ``restart`` what an earlier run left is thrown away. When the block is broken off (not by an input that is at fault), what
    has been made sure of stays for the next run. Raises SourceError when ``target`` cannot be written, or another run is
    writing it.
    """
    folder = target.with_name(f".{target.name}.gisgrid-batch")
    try:
        with _locked(folder, target):
            if restart:
                (folder / _NOTE).unlink(missing_ok=True)
            keep, draft = False, None
            try:
                draft = Draft(folder, job, fingerprint, pace)
                yield draft
                draft.finish(target)
            except UsageError:
                raise
            except BaseException:
                keep = draft is not None and draft.is_safe()
                raise
            finally:
                if draft is not None:
                    draft.close()
                if not keep:
                    shutil.rmtree(folder, ignore_errors=True)
    except OSError as error:
        raise SourceError(f"{target} cannot be written: {error.strerror}.", "Give a file in a folder that can be written to.") from error


@contextmanager
def _locked(folder: Path, target: Path) -> Iterator[None]:
    """Hold the folder for a block, against other runs; a run that is killed lets go of it."""
    folder.mkdir(exist_ok=True)
    with (folder / _LOCK).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SourceError(f"{target} is being written by another run.", "Wait for it, or give another file.") from None
        yield
