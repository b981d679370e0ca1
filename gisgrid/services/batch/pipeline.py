"""From a stream of rows to a stream of answers, in bounded memory.

``prepare`` opens an input and says what is wrong with it before anything is written; ``run`` does the rest. The work on a piece
(read its rows, answer them, write them) is a value, ``Work``, that an executor does wherever it likes: ``Threads`` in this
process, or another one with the same ``map``. An executor for other processes sends ``work`` there once (it can be pickled,
locator and all) and then the pieces, one by one::

    class Elsewhere:
        def map(self, work: Work, pieces: Iterator[Piece]) -> Iterator[Done]:
            ...  # yield work(piece) for each piece, in their order, with a bounded number of pieces taken and not yet yielded

    engine = Engine(locator, box, make_plan("gcj02"))
    summary = run(source, target, engine, input_format="csv", output_format="parquet", executor=Elsewhere())
"""

from __future__ import annotations

import gzip
import time
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, BinaryIO, NamedTuple, Protocol

import numpy as np
import pyarrow as pa

from gisgrid.errors import ParameterError
from gisgrid.locator.compiled import POINTS
from gisgrid.progress import Progress, silent
from gisgrid.services.batch.addressed import AnyEngine
from gisgrid.services.batch.columns import MORE, find_column, names_beside
from gisgrid.services.batch.formats import open_input
from gisgrid.services.batch.formats.base import Decoder, Encoder, Input, InputOptions, Output, Piece, Rows
from gisgrid.services.batch.formats.csv import CsvDialect, CsvInput, csv_output
from gisgrid.services.batch.formats.csv_rows import csv_text
from gisgrid.services.batch.formats.json import JsonInput, json_output
from gisgrid.services.batch.formats.ndjson import NdjsonInput, ndjson_output, schema_of
from gisgrid.services.batch.formats.tables import TableInput, file_output, joined_schema, parquet_output, stream_output


class BatchSummary(NamedTuple):
    """What came of a file: its rows, how many had each status, and the wall time in seconds."""

    rows: int
    outcomes: dict[str, int]
    seconds: float


class Done(NamedTuple):
    """A piece that is done: what to write, its rows, how many had each status, and the piece's ``end`` and ``read``."""

    payload: Any
    rows: int
    outcomes: dict[str, int]
    end: int
    read: int


@dataclass(frozen=True)
class Work:
    """What is done to every piece; can be sent to another process."""

    decoder: Decoder
    engine: AnyEngine
    encoder: Encoder
    columns: tuple[str, ...]
    kept: tuple[str, ...] | None = None
    is_gzip: bool = False

    def __call__(self, piece: Piece) -> Done:
        """Return a piece with its rows answered. Raises SourceError only for a piece that cannot be read at all."""
        rows = self.decoder(piece.content)
        answers = self.engine.answer(rows.table, rows.wrong)
        count, outcomes = answers.num_rows, _outcomes(answers.column("status"))
        if self.columns != self.engine.plan.columns:
            answers = answers.select(list(self.columns))
        if self.kept is not None:
            rows = Rows(_select(rows.table, self.kept), rows.wrong, None, rows.beyond)
        payload = self.encoder(rows, answers)
        return Done(gzip.compress(payload, 6, mtime=0) if self.is_gzip else payload, count, outcomes, piece.end, piece.read)


class Executor(Protocol):
    """Who does the work on the pieces."""

    def map(self, work: Work, pieces: Iterator[Piece]) -> Iterator[Done]:
        """Yield ``work`` of each piece in their order, with a bounded number of pieces on the way; what it raises is raised."""
        ...


class Threads:
    """Does the work in threads of this process: most of it runs outside the interpreter's lock."""

    def __init__(self, count: int = 2, ahead: int = 2) -> None:
        self._count, self._ahead = count, ahead

    def map(self, work: Work, pieces: Iterator[Piece]) -> Iterator[Done]:
        """Yield ``work`` of each piece in their order; ``count`` + ``ahead`` pieces are on the way at most."""
        pool = ThreadPoolExecutor(self._count, "batch")
        waiting: deque[Future[Done]] = deque()
        try:
            for piece in pieces:
                waiting.append(pool.submit(work, piece))
                if len(waiting) >= self._count + self._ahead:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


class Job(NamedTuple):
    """A batch that is ready to run: its input, the work on each piece, and how the output is written."""

    input: Input
    work: Work
    output: Output
    is_gzip: bool = False


def prepare(
    source: BinaryIO,
    engine: AnyEngine,
    *,
    input_format: str,
    output_format: str,
    options: InputOptions | None = None,
    keep: Sequence[str] | None = None,
    size: int = 0,
    gzipped: tuple[bool, bool] = (False, False),
) -> Job:
    """Open an input of ``size`` bytes (0: unknown) and return what is to be done with it; ``keep`` names the input columns to keep.

    ``gzipped`` says whether input and output are compressed. Raises SourceError for what is not in its format, ParameterError
    for a column that is not there.
    """
    opened = open_input(source, input_format, options or InputOptions(), is_gzip=gzipped[0], size=size)
    if isinstance(opened, JsonInput) and opened.crs is not None and engine.plan.crs is None:
        engine = engine.with_crs(opened.crs)
    if isinstance(opened, (JsonInput, NdjsonInput)) and opened.schema.names == [MORE]:
        # Not one object so far: there may be none at all, or they come late.
        opened.schema = schema_of([{name: None for _, name in engine.plan.inputs}])
    names = [name for name in opened.schema.names if name != MORE]
    dialect = _dialect(opened, input_format, output_format)
    as_text = keep is None and opened.dialect == dialect
    engine = engine.for_columns(names)
    kept = None if keep is None else tuple(names[find_column(names, name, "keep")] for name in keep)
    needed = [find_column(names, name, option) for option, name in engine.plan.inputs] if as_text else None
    output = _output(opened, output_format, dialect, engine.plan.columns, kept, as_text=as_text)
    decoder = opened.decoder(needed, with_text=as_text)
    columns = engine.plan.columns
    if "status" not in columns:
        # Rows are counted by their status, whether it is wanted or not.
        engine = engine.with_plan(engine.plan._replace(columns=("status", *columns)))
    if "distance_to_edge_m" in columns and isinstance(opened, TableInput):
        POINTS.expect(opened.rows)
    work = Work(decoder, engine, output.encoder, columns, kept, gzipped[1] and not output.lead)
    return Job(opened, work, output, gzipped[1])


def _dialect(opened: Input, input_format: str, output_format: str) -> object:
    """Return how the output is written, in the terms in which the input says how it is."""
    if output_format in {"csv", "tsv"}:
        same = opened.dialect if isinstance(opened.dialect, CsvDialect) else CsvDialect()
        delimiter = "\t" if output_format == "tsv" else "," if input_format == "tsv" else same.delimiter
        return CsvDialect(delimiter, same.line_end, same.encoding)
    return "json" if output_format in {"json", "ndjson"} else "table"


def _output(
    opened: Input, output_format: str, dialect: object, columns: Sequence[str], kept: Sequence[str] | None, *, as_text: bool
) -> Output:
    schema = opened.schema if kept is None else pa.schema([opened.schema.field(name) for name in kept])
    names = names_beside(columns, schema.names)
    if isinstance(dialect, CsvDialect):
        header = opened.header_text if as_text and isinstance(opened, CsvInput) else csv_text(schema.names, dialect.delimiter)
        return csv_output(dialect, header, names)
    if dialect == "json":
        return (json_output if output_format == "json" else ndjson_output)(columns, names)
    joined = joined_schema(schema, columns, names, plain_text=output_format != "parquet")
    return {"arrow-stream": stream_output, "arrow": file_output, "parquet": parquet_output}[output_format](joined)


class Sink:
    """Writes what comes of the pieces to a stream that need not go back."""

    def __init__(self, job: Job, target: BinaryIO, *, begun: bool = False) -> None:
        self._output, self._target = job.output, target
        self._compress = job.is_gzip
        self._late = job.is_gzip and not job.work.is_gzip
        self._lead = 0 if begun else job.output.lead
        self._writer = None if job.output.writer is None else job.output.writer(target)
        if not begun and job.output.header:
            self._target.write(self._gzip(job.output.header))

    def _gzip(self, content: bytes) -> bytes:
        return gzip.compress(content, 6, mtime=0) if self._compress else content

    def write(self, payload: Any) -> None:
        """Write what came of one piece."""
        if self._writer is not None:
            if payload.num_rows:
                self._writer.write_batch(payload)
        elif payload:
            payload, self._lead = payload[self._lead :] if self._lead else payload, 0
            self._target.write(self._gzip(payload) if self._late else payload)

    def close(self) -> None:
        """Write what comes last; the stream stays open."""
        self.let_go()
        if self._output.footer:
            self._target.write(self._gzip(self._output.footer))

    def let_go(self) -> None:
        """End a table, whole or not, while its stream is still open; do nothing to what is written as bytes."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None


def run(
    source: BinaryIO,
    target: BinaryIO,
    engine: AnyEngine,
    *,
    input_format: str,
    output_format: str,
    options: InputOptions | None = None,
    keep: Sequence[str] | None = None,
    size: int = 0,
    gzipped: tuple[bool, bool] = (False, False),
    executor: Executor | None = None,
    progress: Progress = silent,
) -> BatchSummary:
    """Read rows from ``source``, answer them, and write them with the added columns to ``target``; return what came of them.

    Both are binary streams that need not go back (Parquet that comes as a stream is spooled to a temporary file); both stay open.
    Whatever a row holds, it comes out in its place. Raises as ``prepare`` does, before anything is written, and SourceError
    in the midst of an input that breaks off.
    """
    job = prepare(
        source, engine, input_format=input_format, output_format=output_format, options=options, keep=keep, size=size, gzipped=gzipped
    )
    return finish(job, target, executor or Threads(), progress)


def finish(job: Job, target: BinaryIO, executor: Executor, progress: Progress = silent) -> BatchSummary:
    """Run a job that ``prepare`` has made, writing to ``target``, which stays open; return what came of it."""
    sink, rows, outcomes, begin = Sink(job, target), 0, Counter[str](), time.perf_counter()
    try:
        for done in executor.map(job.work, job.input.pieces(0)):
            sink.write(done.payload)
            rows += done.rows
            outcomes.update(done.outcomes)
            progress(f"{rows:,} rows", done.read, job.input.size)
        sink.close()
    finally:
        sink.let_go()
    return BatchSummary(rows, dict(outcomes), time.perf_counter() - begin)


def _outcomes(status: pa.DictionaryArray) -> dict[str, int]:
    counts = np.bincount(status.indices.to_numpy(zero_copy_only=False), minlength=len(status.dictionary))
    return {word: count for word, count in zip(status.dictionary.to_pylist(), counts.tolist(), strict=True) if count}


def _select(table: pa.RecordBatch, names: Sequence[str]) -> pa.RecordBatch:
    for name in names:
        if table.schema.names.count(name) != 1:
            raise ParameterError("keep", f"there are several columns {name!r}.", "the name of one column")
    return table.select(list(names))
