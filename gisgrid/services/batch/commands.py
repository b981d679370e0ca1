"""``gisgrid batch``: a file of points in, the same rows with their grids out."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Annotated, BinaryIO

import typer
from rich.console import Console

from gisgrid.crs import EXPECTED
from gisgrid.db import open_database
from gisgrid.deployment import load_deployment
from gisgrid.errors import CrsError, ParameterError, UsageError
from gisgrid.locator import Locator
from gisgrid.progress import Progress, progress_bar
from gisgrid.services.batch.addressed import AddressedEngine, AnyEngine
from gisgrid.services.batch.columns import EVERY
from gisgrid.services.batch.engine import Engine
from gisgrid.services.batch.files import FileOptions, locate_paths, opened, replacing
from gisgrid.services.batch.formats import FORMATS, format_of
from gisgrid.services.batch.formats.base import InputOptions
from gisgrid.services.batch.memory import keep_freed_memory
from gisgrid.services.batch.pipeline import BatchSummary, Executor, Threads, run
from gisgrid.services.batch.plan import BatchPlan, make_plan
from gisgrid.services.geocoding.pool import Addresses
from gisgrid.services.history import parse_instant
from gisgrid.services.locators import open_locator
from gisgrid.services.options import AsOfOption, CrsOption
from gisgrid.services.read_model import ReadModel
from gisgrid.settings import Settings, load_settings

_STREAM = Path("-")

Column = str | None
_FORMATS = ", ".join(FORMATS)


def batch(
    source: Annotated[Path, typer.Argument(metavar="IN", help="File with one point a row; - is standard input.", show_default=False)],
    target: Annotated[Path, typer.Argument(metavar="OUT", help="File to write; - is standard output.", show_default=False)],
    *,
    crs: CrsOption = None,
    lon: Annotated[Column, typer.Option("--lon", help="Column of the longitude.", show_default="lon")] = None,
    lat: Annotated[Column, typer.Option("--lat", help="Column of the latitude.", show_default="lat")] = None,
    x: Annotated[Column, typer.Option("--x", help="Column of the easting, in place of --lon.")] = None,
    y: Annotated[Column, typer.Option("--y", help="Column of the northing, in place of --lat.")] = None,
    crs_column: Annotated[Column, typer.Option("--crs-col", help="Column that names each row's coordinate system.")] = None,
    accuracy_m: Annotated[float | None, typer.Option("--accuracy-m", help="Radius of the positions' uncertainty, metres.")] = None,
    accuracy_column: Annotated[Column, typer.Option("--accuracy-col", help="Column of each position's uncertainty, metres.")] = None,
    address: Annotated[Column, typer.Option("--address", help="Column of the address, for rows without coordinates.")] = None,
    columns: Annotated[str | None, typer.Option(help=f"Columns to add, with commas: {', '.join(EVERY)}.", show_default="all")] = None,
    keep: Annotated[str | None, typer.Option(help="Columns of IN to keep, with commas.", show_default="all")] = None,
    encoding: Annotated[str | None, typer.Option("--encoding", help="Encoding of IN; by default UTF-8, else GB18030.")] = None,
    input_format: Annotated[str | None, typer.Option(help=f"Format of IN: {_FORMATS}.", show_default="by its ending")] = None,
    output_format: Annotated[str | None, typer.Option(help=f"Format of OUT: {_FORMATS}.", show_default="by its ending")] = None,
    restart: Annotated[bool, typer.Option("--restart", help="Begin anew even where an earlier run was broken off.")] = False,
    locator: Annotated[Path | None, typer.Option(help="File of `gisgrid locator save` to look up in, without a database.")] = None,
    as_of: AsOfOption = None,
    scheduler: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Have it done by the Dask cluster of this scheduler, such as tcp://host:8786.")
    ] = None,
) -> None:
    """Locate every row of a file and write it with the answers in more columns; no row is dropped or moved."""
    settings = load_settings()
    plan = make_plan(
        _system(crs, crs_column, address, settings),
        lon=_one("lon", lon, "x", x) or "lon",
        lat=_one("lat", lat, "y", y) or "lat",
        crs_column=crs_column,
        accuracy_m=accuracy_m,
        accuracy_column=accuracy_column,
        columns=_listed(columns),
        address=address,
    )
    if address is not None and (locator is not None or as_of is not None or scheduler is not None):
        raise ParameterError(
            "address", "is found in what is served now, by this machine.", "no --locator, --as-of or --scheduler beside it"
        )
    options = FileOptions(input_format, output_format, encoding, _listed(keep), restart=restart)
    console = Console(stderr=True, highlight=False)
    if source != _STREAM and not source.is_file():
        raise ParameterError("IN", f"there is no file {source}.", "a file with one point a row")
    keep_freed_memory()
    bar = progress_bar("Locating", unit="bytes", quiet=target == _STREAM)
    with _engine(settings, plan, locator, as_of) as engine, _executor(scheduler) as executor, bar as progress:
        if _STREAM in {source, target}:
            summary = _through(engine, source, target, options, executor, progress=progress)
        else:
            summary = locate_paths(engine, source, target, options, executor=executor, progress=progress, tell=console.print)
    console.print(_summary(summary))


def _system(crs: str | None, crs_column: str | None, address: str | None, settings: Settings) -> str | None:
    text = crs if crs is not None else settings.default_crs
    if text is None and crs_column is None and address is None:
        raise CrsError("no coordinate system is given, and none is assumed.", f"--crs with {EXPECTED}")
    return text


def _one(first: str, column: str | None, second: str, other: str | None) -> str | None:
    if column is not None and other is not None:
        raise ParameterError(second, f"--{first} and --{second} both name a column for the same coordinate.", "one of the two")
    return column if column is not None else other


def _listed(text: str | None) -> tuple[str, ...] | None:
    return None if text is None else tuple(name.strip() for name in text.split(",") if name.strip())


@contextmanager
def _engine(settings: Settings, plan: BatchPlan, file: Path | None, as_of: str | None) -> Iterator[AnyEngine]:
    """Give the engine on the areas asked for: those in a file, those of then, or those served now; with the gazetteer for addresses."""
    if plan.address is None:
        yield _engine_of_positions(settings, plan, file, as_of)
        return
    snapshot = ReadModel.load(open_database(settings), settings).snapshot
    with Addresses(snapshot.gazetteer.prepare()) as addresses:
        yield AddressedEngine(snapshot.locator, load_deployment(settings.deployment).box, plan, addresses.answer, snapshot.version)


def _engine_of_positions(settings: Settings, plan: BatchPlan, file: Path | None, as_of: str | None) -> Engine:
    box = load_deployment(settings.deployment).box
    instant = None if as_of is None else parse_instant(as_of)
    if file is not None:
        if instant is not None:
            raise ParameterError("as_of", "a file of a locator holds the areas of one time only.", "no --as-of beside --locator")
        return Engine(Locator.open(file), box, plan)
    if instant is None:
        return Engine(open_locator(settings), box, plan)
    return Engine(ReadModel.load(open_database(settings), settings).areas_at(instant).locator, box, plan)


def _executor(scheduler: str | None) -> AbstractContextManager[Executor]:
    """Return who does the work: threads of this process, or a Dask cluster."""
    if scheduler is None:
        return nullcontext(Threads())
    try:
        # An extra: it is there only where a cluster is.
        from gisgrid.services.batch.dask_cluster import DaskCluster  # noqa: PLC0415
    except ImportError as error:
        hint = "Install it with the extra: pip install 'gisgrid[dask]'."
        raise UsageError(f"--scheduler needs Dask, which is not installed ({error.name}).", hint) from error
    return DaskCluster(scheduler)


def _through(
    engine: AnyEngine, source: Path, target: Path, options: FileOptions, executor: Executor, *, progress: Progress
) -> BatchSummary:
    """Run a batch of which one end at least is a standard stream."""
    read_as, is_gzip = _format(source, options.input_format, "input_format")
    written_as, to_gzip = _format(target, options.output_format or (read_as if target == _STREAM else None), "output_format")
    size = 0 if source == _STREAM else source.stat().st_size
    name = "standard input" if source == _STREAM else str(source)

    def through(raw: BinaryIO, out: BinaryIO) -> BatchSummary:
        return run(
            raw,
            out,
            engine,
            input_format=read_as,
            output_format=written_as,
            options=InputOptions(name, options.encoding),
            keep=options.keep,
            size=size,
            gzipped=(is_gzip, to_gzip),
            executor=executor,
            progress=progress,
        )

    with opened(source) if source != _STREAM else nullcontext(sys.stdin.buffer) as raw:
        with replacing(target) if target != _STREAM else nullcontext(sys.stdout.buffer) as out:
            summary = through(raw, out)
            out.flush()
        return summary


def _format(path: Path, named: str | None, option: str) -> tuple[str, bool]:
    if path == _STREAM and named is None:
        raise ParameterError(option, "a standard stream does not say its format.", f"one of {_FORMATS}")
    return format_of(path, named, option)


def _summary(summary: BatchSummary) -> str:
    outcomes = ", ".join(f"{count:,} {status}" for status, count in sorted(summary.outcomes.items(), key=lambda item: -item[1]))
    rate = summary.rows / summary.seconds if summary.seconds else 0.0
    return f"{summary.rows:,} rows in {summary.seconds:.1f} s ({rate:,.0f} rows/s): {outcomes or 'none'}"
