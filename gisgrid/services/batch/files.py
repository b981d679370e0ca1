"""Batches from file to file: the output takes its place whole, when all is done."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, NamedTuple

from gisgrid.errors import SourceError
from gisgrid.progress import Progress, silent
from gisgrid.services.batch.addressed import AnyEngine
from gisgrid.services.batch.checkpoint import Draft, Pace, begin, fingerprint_of
from gisgrid.services.batch.engine import Engine
from gisgrid.services.batch.formats import format_of
from gisgrid.services.batch.formats.base import InputOptions
from gisgrid.services.batch.pipeline import BatchSummary, Executor, Job, Threads, finish, prepare
from gisgrid.services.batch.plan import make_plan
from gisgrid.services.read_model import ReadModel


class FileOptions(NamedTuple):
    """How files are read and written: formats where their names do not say them, encoding, input columns to keep.

    With ``restart`` what an earlier run of the same output left is not gone on with.
    """

    input_format: str | None = None
    output_format: str | None = None
    encoding: str | None = None
    keep: Sequence[str] | None = None
    piece_bytes: int = 2 << 20
    piece_rows: int = 1 << 18
    restart: bool = False
    pace: Pace = Pace()


def locate_file(
    model: ReadModel,
    source: Path,
    target: Path,
    *,
    crs: str | None = None,
    crs_column: str | None = None,
    lon: str = "lon",
    lat: str = "lat",
    accuracy_m: float | None = None,
    accuracy_column: str | None = None,
    columns: Sequence[str] | None = None,
    as_of: datetime | None = None,
    options: FileOptions | None = None,
    encoding: str | None = None,
    progress: Progress | None = None,
) -> BatchSummary:
    """Locate each row of the file ``source`` and write it with the added columns to ``target``.

    ``crs`` is the coordinate system of all rows, or of those whose ``crs_column`` is empty; without either the deployment's
    default is taken. With ``as_of`` (an aware datetime) the areas are those that were served at that instant. Raises as
    ``locate_paths`` does, and CrsError when no system is given.
    """
    text = crs if crs is not None else model.default_crs
    plan = make_plan(text, lon=lon, lat=lat, crs_column=crs_column, accuracy_m=accuracy_m, accuracy_column=accuracy_column, columns=columns)
    locator = model.locator if as_of is None else model.areas_at(as_of).locator
    chosen = options or FileOptions(encoding=encoding)
    return locate_paths(Engine(locator, model.deployment.box, plan), source, target, chosen, progress=progress)


def locate_paths(
    engine: AnyEngine,
    source: Path,
    target: Path,
    options: FileOptions,
    *,
    executor: Executor | None = None,
    progress: Progress | None = None,
    tell: Callable[[str], None] | None = None,
) -> BatchSummary:
    """Answer the rows of a file into another, which appears only when all is done.

    Rows keep their order and their columns; one that cannot be located says why in ``reason``, with status ``invalid`` or
    ``no_coordinates``. A run that was broken off is gone on with where it was, if input, options and data are the same; ``tell`` is
    called with a sentence about that. Raises ParameterError for a column or a format that is not there, SourceError for a
    file that cannot be read or written.
    """
    if source.resolve() == target.resolve():
        raise SourceError(f"{target} is the input.", "Give another file for the output.")
    with opened(source) as raw:
        read_as, is_gzip = format_of(source, options.input_format, "input_format")
        written_as, to_gzip = format_of(target, options.output_format, "output_format")
        job = prepare(
            raw,
            engine,
            input_format=read_as,
            output_format=written_as,
            options=InputOptions(str(source), options.encoding, options.piece_bytes, options.piece_rows),
            keep=options.keep,
            size=source.stat().st_size,
            gzipped=(is_gzip, to_gzip),
        )
        # Not in the options that have to be equal: how often is made sure, and that nothing is to be gone on with.
        chosen = options._replace(restart=False, pace=Pace())
        work = executor or Threads()
        if target.exists() and not target.is_file():
            with target.open("wb") as out:
                return finish(job, out, work, progress or silent)
        with begin(target, job, lambda: fingerprint_of(source, engine, chosen), options.pace, restart=options.restart) as draft:
            return _go_on(job, draft, work, progress or silent, tell)


def _go_on(job: Job, draft: Draft, executor: Executor, progress: Progress, tell: Callable[[str], None] | None) -> BatchSummary:
    """Run a job from where its draft has come to."""
    start, begun = draft.reached, time.perf_counter()
    if tell and start.rows:
        tell(f"Going on behind row {start.rows:,}, where an earlier run was broken off.")
    elif tell and draft.why_anew:
        tell(f"An earlier run was broken off; since then the {draft.why_anew} changed, so that all rows are located anew.")
    for done in executor.map(job.work, job.input.pieces(start.end)):
        draft.write(done)
        progress(f"{draft.reached.rows:,} rows", done.read, job.input.size)
    return BatchSummary(draft.reached.rows, draft.reached.outcomes, time.perf_counter() - begun)


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """Open a file for a block; raises SourceError when it cannot be read."""
    try:
        raw = path.open("rb")
    except FileNotFoundError:
        raise SourceError(f"There is no file {path}.", "Check the path.") from None
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror}.", "Give a file that can be read.") from error
    with raw:
        yield raw


@contextmanager
def replacing(target: Path) -> Iterator[BinaryIO]:
    """Open a file for a block that takes the place of ``target`` when the block ends well, and vanishes otherwise.

    Raises SourceError when it cannot be written.
    """
    draft = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with draft.open("wb") as file:
            yield file
        draft.replace(target)
    except OSError as error:
        raise SourceError(f"{target} cannot be written: {error.strerror}.", "Give a file in a folder that can be written to.") from error
    finally:
        draft.unlink(missing_ok=True)
