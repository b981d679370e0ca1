"""What a report says in sentences: the verdict, what was decided about a file, and what to do next."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import PurePath
from typing import Literal, NamedTuple

from gisgrid.errors import NotFoundError
from gisgrid.layers import layer
from ingest.checks import CHECKS
from ingest.report.values import Example, IngestReport, LayerReport
from ingest.topology.checks import TOPOLOGY_CHECKS

Tone = Literal["good", "attention", "bad"]
"""How a report is meant: all is well, something wants looking at, or something failed."""

SEVERITIES = ("reject", "repair", "warn", "")
DONE = {"reject": "rejected", "repair": "repaired", "warn": "loaded, with a warning", "": ""}
"""What happened to the rows that a check of each severity found."""

_OTHER_TITLES = {"organizations": "Organizations 单位", "area_roles": "Area roles 网格责任人"}
_FEW = 10  # rows that may be retired without a word
_SHEETS = {".xlsx", ".xls", ".xlsm", ".ods"}
_TEXTS = {".csv", ".tsv", ".txt"}


class Advice(NamedTuple):
    """Something to do next: why, and the command (or the file) for it."""

    text: str
    command: str = ""


def verdict(report: IngestReport) -> str:
    """Return a few sentences on the whole ingest."""
    rejected, read = report.total("rejected"), report.total("read")
    words = _what_happened(report)
    if report.refusal:
        words += f" {report.refusal}"
    if rejected:
        were = "would be" if report.dry_run else "was" if rejected == 1 else "were"
        words += f" {counted(rejected, 'row')} of {read:,} {were} rejected ({_share(rejected, read)})."
    elif read and report.dry_run:
        words += f" All {read:,} rows are fit to be loaded."
    return words


def _what_happened(report: IngestReport) -> str:
    statuses = {source.status for source in report.sources}
    if failed := [source.source_id for source in report.sources if source.status == "failed"]:
        return f"Failed: {', '.join(failed)}. What was loaded before stays."
    if report.dry_run:
        return "Checked only; nothing was written."
    waits = f"; the areas wait in draft {report.draft}" if report.draft is not None else ""
    waits = waits or (f"; the areas are in service as generation {report.generation}" if report.activated else "")
    if statuses <= {"unchanged"}:
        return f"Nothing changed: every file was loaded as it is before{waits}."
    return f"Loaded{waits}."


def tone(report: IngestReport) -> Tone:
    """Return how good the news is."""
    if any(source.status == "failed" for source in report.sources):
        return "bad"
    serious = any(issue.severity == "error" for issue in report.issues)
    shrunk = any(_shrank(source) for source in report.sources)
    return "attention" if serious or shrunk or report.draft is not None or report.total("rejected") else "good"


def decisions(source: LayerReport) -> list[str]:
    """Return what was decided about a file before its rows were judged, and what that rests on."""
    said = []
    if source.encoding and not any(source.encoding in note for note in source.notes):
        said.append(f"Text is read as {source.encoding}.")
    if source.crs:
        said.append(f"Positions are taken for {source.crs}.")
    return [*said, *source.evidence, *source.notes]


def advice(report: IngestReport, page: PurePath | None) -> list[Advice]:
    """Return what to do next, the most urgent first; ``page`` is where the HTML report is."""
    return [*_about_areas(report), *_about_rows(report), *([Advice("The whole report, with a map:", str(page))] if page else [])]


def _about_areas(report: IngestReport) -> Iterator[Advice]:
    errors = sum(issue.severity == "error" for issue in report.issues)
    if errors:
        yield Advice(f"{counted(errors, 'error')} in the topology of the areas; to list them:", "gisgrid areas check")
    if report.draft is not None:
        yield Advice(f"The areas wait in draft {report.draft}; to see what would change:", "gisgrid areas diff")
        yield Advice("To put the draft into service" + (" in spite of the errors:" if errors else ":"), _activate(forced=errors > 0))


def _activate(*, forced: bool) -> str:
    return "gisgrid areas activate --force" if forced else "gisgrid areas activate"


def _about_rows(report: IngestReport) -> Iterator[Advice]:
    if report.dry_run:
        return
    for source in report.sources:
        if _shrank(source):
            rows = counted(source.retired, "row")
            yield Advice(
                f"{rows} of {source.source_id} retired, for this delivery lacks them. If it is a part, load the last full one, then this:",
                f"gisgrid ingest {shlex.quote(_description(report))} --source {shlex.quote(source.source_id)} --partial",
            )
        if source.rejected and source.status != "failed":
            file = shlex.quote(f"{source.source_id}-rejects{ending(source.path)}".replace("/", "-"))
            rows = counted(source.rejected, "row")
            yield Advice(
                f"{rows} of {source.source_id} rejected; to get them back as a file, to be mended and sent again:",
                f"gisgrid ingest rejects {shlex.quote(source.source_id)} -o {file}",
            )


def _shrank(source: LayerReport) -> bool:
    """Return whether a delivery retired more rows than it holds: it may be a part that was taken for the whole."""
    return source.retired > max(source.loaded, _FEW)


def _description(report: IngestReport) -> str:
    return str(report.settings.get("description", "SOURCES.toml"))


def ending(path: str) -> str:
    """Return the ending of a file of bad rows that suits the source file best."""
    suffix = PurePath(path).suffix.lower()
    return ".xlsx" if suffix in _SHEETS else ".csv" if suffix in _TEXTS else ".gpkg"


def severity_of(code: str) -> str:
    """Return what a check does to its rows; "" for a check that there is no more (an old run may name one)."""
    return CHECKS[code].severity if code in CHECKS else ""


def description_of(code: str) -> str:
    """Return the sentence on what a check of rows or of topology finds; "" for a check that there is no more."""
    found = CHECKS.get(code) or TOPOLOGY_CHECKS.get(code)
    return found.description if found else ""


def ordered(reasons: dict[str, int]) -> list[tuple[str, int]]:
    """Return (check, rows) with rejections first, then repairs and warnings, the most frequent of each first."""
    return sorted(reasons.items(), key=lambda item: (SEVERITIES.index(severity_of(item[0])), -item[1], item[0]))


def field_of(example: Example) -> str:
    """Return the field of an example, "" where its message begins with that."""
    return "" if example.message.startswith(example.field) else example.field


def title_of(layer_id: str) -> str:
    """Return the title of a layer in English and Chinese; the id where it is no layer of the catalogue."""
    try:
        found = layer(layer_id)
    except NotFoundError:
        return _OTHER_TITLES.get(layer_id, layer_id)
    return f"{found.title_en} {found.title_zh}"


def counted(count: int, noun: str) -> str:
    """Return such as "1 row" or "84 rows"."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def _share(part: int, whole: int) -> str:
    percent = 100 * part / whole if whole else 0
    return "less than 0.01 %" if 0 < percent < 0.01 else f"{percent:.2g} %" if percent < 99.5 else f"{percent:.1f} %"
