"""The report in a terminal: tables on one, plain lines that fit 80 columns anywhere else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ingest.report.tables import changes_table, example_of, findings_table, name_of, summary_table
from ingest.report.values import IngestReport, LayerReport
from ingest.report.words import DONE, advice, counted, decisions, ordered, severity_of, tone, verdict

_WIDTH = 80
_ROOMY = 110  # columns that a drawn table with examples needs
_TONES = {"good": "bold green", "attention": "bold yellow", "bad": "bold red"}


def print_report(report: IngestReport, console: Console, page: Path | None = None) -> None:
    """Print a report on ``console``: rows and changes by source, findings, decisions, topology, verdict, what to do next.

    ``page`` is where the HTML report is, if there is one. On anything but a terminal no line is cut or drawn.
    """
    tables = [summary_table] if report.dry_run else [summary_table, changes_table]
    if console.is_terminal and console.width >= _ROOMY:
        for table in (*(table(report.sources) for table in tables), findings_table(report.sources)):
            if table.row_count:
                console.print(table)
    else:
        print_plain([table(report.sources, plain=True) for table in tables], console)
        _print_lines(_findings(report.sources), console)
    _print_lines(_decisions(report.sources), console)
    _print_lines(_topology(report), console)
    for line in wrapped(verdict(report)):
        console.print(Text(line, style=_TONES[tone(report)]), soft_wrap=True)
    _print_lines(_advice(report, page), console)


def print_plain(tables: Sequence[Table], console: Console) -> None:
    """Print tables without lines, as wide as they are: what reads them may be a file or another program."""
    wide = Console(file=console.file, width=1000, highlight=False, color_system=None)
    for table in tables:
        with wide.capture() as capture:
            wide.print(table)
        console.file.write("\n".join(line.rstrip() for line in capture.get().splitlines()) + "\n\n")


def _print_lines(lines: Iterator[str], console: Console) -> None:
    there = False
    for line in lines:
        there = True
        console.print(Text(line), soft_wrap=True)
    if there:
        console.print()


def _findings(sources: Sequence[LayerReport]) -> Iterator[str]:
    """Yield the findings of each source as lines: how many rows, which check, and an example."""
    for source in sources:
        if source.reasons:
            yield f"Findings in {name_of(source, sources)}"
        for code, count in ordered(source.reasons):
            done = DONE[severity_of(code)] or "found"
            yield f"  {counted(count, 'row')} {done}: {code}"
            yield from wrapped(example_of(source, code), "    ")


def _decisions(sources: Sequence[LayerReport]) -> Iterator[str]:
    said = [(name_of(source, sources), decisions(source)) for source in sources]
    if any(sentences for _, sentences in said):
        yield "Encoding and coordinate system"
    for name, sentences in said:
        if sentences:
            yield from wrapped(f"{name}: {' '.join(sentences)}", "  ", "    ")


def _topology(report: IngestReport) -> Iterator[str]:
    found = report.issue_counts()
    if found:
        yield "Topology of the areas"
    for code, severity, count in found:
        yield f"  {counted(count, severity) if severity != 'info' else f'{count:,} info'}: {code}"
        example = next(issue for issue in report.issues if (issue.code, issue.severity) == (code, severity))
        yield from wrapped(example.message, "    ")


def _advice(report: IngestReport, page: Path | None) -> Iterator[str]:
    for one in advice(report, page):
        yield from wrapped(one.text)
        if one.command:
            yield f"  {one.command}"


def wrapped(text: str, first: str = "", following: str | None = None) -> Iterator[str]:
    """Yield ``text`` as lines of at most 80 columns (Chinese characters take two); a longer word is not cut.

    ``first`` comes before the first line, ``following`` (the same, when not given) before the others.
    """
    line, indent = first, first if following is None else following
    begun = False
    for word in text.split():
        if begun and cell_len(line) + 1 + cell_len(word) > _WIDTH:
            yield line
            line, begun = indent, False
        line += f" {word}" if begun else word
        begun = True
    if begun:
        yield line
