"""The report as one page of HTML that needs nothing else, and the same as JSON beside it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jinja2

import gisgrid
from gisgrid.db.records import Issue
from gisgrid.deployment import Deployment
from gisgrid.errors import UsageError
from ingest.report.document import to_json
from ingest.report.picture import Outline, draw
from ingest.report.tally import MOST_EXAMPLES, MOST_SPOTS, spots
from ingest.report.values import Example, IngestReport, LayerReport, Spot, SpotSeverity
from ingest.report.words import DONE, advice, decisions, description_of, field_of, ordered, severity_of, title_of, tone, verdict

_LEGEND: tuple[tuple[SpotSeverity, str], ...] = (
    ("reject", "Rejected row"),
    ("repair", "Repaired row"),
    ("warning", "Warning"),
    ("error", "Topology error"),
    ("info", "Remark"),
)


class Finding(NamedTuple):
    """What one check found, as a row of the page; ``examples`` are (where, what)."""

    code: str
    severity: str
    done: str
    description: str
    rows: int
    examples: list[tuple[str, str]]


class Sign(NamedTuple):
    """A line of the picture's legend: the kind of mark, its meaning, how many places are drawn, and of how many findings."""

    severity: SpotSeverity
    meaning: str
    drawn: int
    whole: int

    @property
    def is_short(self) -> bool:
        """Whether fewer places are drawn than there are findings."""
        return self.drawn < self.whole

    @property
    def is_selection(self) -> bool:
        """Whether there were too many places to draw them all."""
        return self.drawn >= MOST_SPOTS // 2 and self.is_short


def write_report(report: IngestReport, path: Path, deployment: Deployment, outlines: Sequence[Outline] = ()) -> None:
    """Write the page to ``path`` and the JSON beside it, with the ending .json; folders are made.

    ``outlines`` are drawn below the findings. Raises UsageError when the files cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.with_suffix(".json").write_text(to_json(report), encoding="utf-8")
        path.write_text(page(report, deployment, outlines), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"The report cannot be written to {path}: {error.strerror or error}.", "Name another with --report.") from error


def report_path(report: IngestReport, home: Path) -> Path:
    """Return a file in the folder ``home``/reports that does not exist yet, named by time and runs."""
    runs = [source.run_id for source in report.sources if source.run_id is not None]
    about = f"runs-{min(runs)}-{max(runs)}" if len(runs) > 1 else f"run-{runs[0]}" if runs else "dry-run" if report.dry_run else "no-run"
    stem = f"{report.started_at.astimezone():%Y%m%d-%H%M%S}-{about}"
    folder = home / "reports"
    names = (f"{stem}.html" if number == 1 else f"{stem}-{number}.html" for number in range(1, 10_000))
    return next(folder / name for name in names if not (folder / name).exists())


def page(report: IngestReport, deployment: Deployment, outlines: Sequence[Outline] = ()) -> str:
    """Return the report as one page of HTML; every value that is not gisgrid's own is escaped."""
    loader = jinja2.PackageLoader("ingest.report", "templates")
    environment = jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters.update(number=_number, title_of=title_of, seconds=_seconds, plain=_plain)
    found = list(_spots(report))
    return environment.get_template("report.html").render(
        report=report,
        deployment=deployment,
        version=gisgrid.__version__,
        verdict=verdict(report),
        tone=tone(report),
        advice=advice(report, None),
        picture=draw(outlines, found, deployment.box),
        legend=list(_legend(report, found)),
        findings=[(source, list(_findings(source))) for source in report.sources if source.reasons],
        topology=list(_topology(report.issues)),
        decisions=[(source, decisions(source)) for source in report.sources],
        describe=description_of,
        slowest=max((source.seconds for source in report.sources), default=0) or 1,
    )


def _spots(report: IngestReport) -> Iterator[Spot]:
    """Yield the places of all sources and of the topology issues, the latter thinned evenly too."""
    for source in report.sources:
        yield from source.spots
    for severity in ("error", "warning", "info"):
        placed = [issue for issue in report.issues if issue.severity == severity and issue.ewkb is not None]
        chosen = placed[:: -(-len(placed) // MOST_SPOTS) or 1]
        yield from spots([issue.code for issue in chosen], [issue.ewkb or "" for issue in chosen], severity)


def _legend(report: IngestReport, found: Sequence[Spot]) -> Iterator[Sign]:
    drawn = Counter(spot.severity for spot in found)
    whole = Counter[str](issue.severity for issue in report.issues)
    whole += Counter(reject=report.total("rejected"), repair=report.total("repaired"), warning=report.total("warned"))
    for severity, meaning in _LEGEND:
        if drawn[severity]:
            yield Sign(severity, meaning, drawn[severity], whole[severity])


def _findings(source: LayerReport) -> Iterator[Finding]:
    for code, count in ordered(source.reasons):
        severity = severity_of(code)
        examples = list(_alike(source.examples.get(code, ())))
        yield Finding(code, severity, "warned" if severity == "warn" else DONE[severity] or "found", description_of(code), count, examples)


def _alike(examples: Iterable[Example]) -> Iterator[tuple[str, str]]:
    """Yield (where, what) of the examples, those that say the same together."""
    groups: dict[tuple[str, str], list[str]] = {}
    for example in examples:
        rows = groups.setdefault((field_of(example), example.message), [])
        if example.row_number is not None:
            rows.append(f"{example.row_number:,}")
    for (field, message), rows in groups.items():
        place = f"{'row' if len(rows) == 1 else 'rows'} {'; '.join(rows)}" if rows else ""
        yield ", ".join(filter(None, (place, field))), message


def _topology(issues: Sequence[Issue]) -> Iterator[Finding]:
    """Yield the topology issues by code and severity, errors first."""
    groups: dict[tuple[str, str], list[Issue]] = {}
    for issue in issues:
        groups.setdefault((issue.severity, issue.code), []).append(issue)
    order = ("error", "warning", "info")
    for severity, code in sorted(groups, key=lambda key: (order.index(key[0]), -len(groups[key]), key[1])):
        found = groups[severity, code]
        examples = [(" ".join(filter(None, (title_of(one.layer), one.feature_code))), one.message) for one in found[:MOST_EXAMPLES]]
        yield Finding(code, severity, severity, description_of(code), len(found), examples)


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:,.0f}"


def _plain(value: Any) -> str:
    """Return a setting as text: objects and lists as JSON."""
    return json.dumps(value, ensure_ascii=False, default=str) if isinstance(value, (dict, list, tuple)) else str(value)


def _seconds(value: float) -> str:
    return f"{value:.2f} s" if value < 10 else f"{value:,.0f} s"
