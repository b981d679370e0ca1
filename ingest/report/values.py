"""What an ingest tells, as values: one report a source, and one for the whole of it."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import dataclass, field, fields
from typing import Any, Literal, NamedTuple

from gisgrid.db.records import Issue
from gisgrid.errors import SourceError

FORMAT = 1
"""Version of the JSON shape: it grows when a name goes away or changes its meaning, not when one is added."""

RunStatus = Literal["loaded", "draft", "unchanged", "checked", "failed"]
"""Loaded; loaded into a draft of areas; as at the last load, so nothing to do; only checked (a dry run); or failed."""

SpotSeverity = Literal["reject", "repair", "warning", "error", "info"]
"""What a place on the picture stands for: a rejected or a repaired row, or an issue of that severity."""


_PERSONAL = {"area_roles"}
_HIDDEN = "not shown here, for it may name a person"


class Example(NamedTuple):
    """One row that a check found: its number in the file (None where the finding is not about one), field and message."""

    row_number: int | None
    field: str
    message: str


class Spot(NamedTuple):
    """Where a check found something: ``lon``, ``lat`` in WGS 84 degrees; of a polygon a point in it."""

    code: str
    severity: SpotSeverity
    lon: float
    lat: float


@dataclass(frozen=True)
class LayerReport:
    """What became of one source's rows: ``read`` = ``loaded`` + ``rejected``; repaired and warned rows are loaded ones.

    ``reasons`` counts rows by check code (a rejected row once, under its first reason), ``examples`` has a few of them. When
    the status is ``unchanged`` these are of the run that loaded the file; ``inserted``, ``updated``, ``retired`` and
    ``unchanged`` count what this run did in the database. ``spots`` are places of findings, thinned evenly; ``evidence`` says
    what the positions were compared with; ``notes`` holds remarks of the reading library; ``timings`` are seconds by step.
    """

    layer: str
    source_id: str
    path: str
    status: RunStatus
    read: int
    loaded: int
    repaired: int
    rejected: int
    warned: int
    seconds: float
    reasons: dict[str, int]
    inserted: int = 0
    updated: int = 0
    retired: int = 0
    unchanged: int = 0
    crs: str | None = None
    encoding: str | None = None
    notes: tuple[str, ...] = ()
    run_id: int | None = None
    error: str | None = None
    timings: dict[str, float] = field(default_factory=dict)
    examples: dict[str, tuple[Example, ...]] = field(default_factory=dict)
    spots: tuple[Spot, ...] = ()
    evidence: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    settings: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.layer in _PERSONAL:
            hidden = {code: tuple(row._replace(message=_HIDDEN) for row in rows) for code, rows in self.examples.items()}
            object.__setattr__(self, "examples", hidden)

    @property
    def rows_per_s(self) -> float | None:
        """Rows read in a second; None where nothing was read in this run."""
        return self.read / self.seconds if self.seconds > 0 and self.status != "unchanged" else None

    def as_json(self) -> dict[str, Any]:
        """Return the report as plain values, without the spots."""
        found = {item.name: getattr(self, item.name) for item in fields(self) if item.name != "spots"}
        found["examples"] = {code: [one._asdict() for one in rows] for code, rows in self.examples.items()}
        rate = self.rows_per_s
        return {**found, "rows_per_s": round(rate, 1) if rate is not None else None}


@dataclass(frozen=True)
class IngestReport:
    """What came of a whole ingest: its sources, the topology ``issues`` of the areas, and what became of their draft.

    ``generation`` is the draft that the areas went into (None without areas, and when they equal what is served);
    ``activated`` says that it is what is served now, ``refusal`` why it is not although that was wanted. ``started_at`` is a time
    with zone, ``seconds`` the wall time.
    """

    sources: tuple[LayerReport, ...]
    issues: tuple[Issue, ...] = ()
    generation: int | None = None
    activated: bool = False
    refusal: str | None = None
    dry_run: bool = False
    deployment: str = ""
    started_at: dt.datetime = field(default_factory=lambda: dt.datetime.now(dt.UTC))
    seconds: float = 0.0
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def draft(self) -> int | None:
        """The draft of areas that waits for activation, if there is one."""
        return self.generation if not self.activated and not self.dry_run else None

    def raise_failure(self) -> None:
        """Raise SourceError when a source failed or the areas were refused: with all that failed, the first of it first."""
        errors = [source.error for source in self.sources if source.error] + ([self.refusal] if self.refusal else [])
        if errors:
            raise SourceError(errors[0], " ".join(errors[1:]))

    def total(self, name: str) -> int:
        """Return the sum over the sources of one of their counts, such as ``rejected``."""
        return sum(getattr(source, name) for source in self.sources)

    def issue_counts(self) -> list[tuple[str, str, int]]:
        """Return (code, severity, how many) of the topology issues, errors first, the most frequent of them first."""
        counts = Counter((issue.code, issue.severity) for issue in self.issues)
        order = ("error", "warning", "info")
        found = sorted(counts.items(), key=lambda item: (order.index(item[0][1]), -item[1], item[0][0]))
        return [(code, severity, count) for (code, severity), count in found]
