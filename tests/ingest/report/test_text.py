"""The report in a terminal and out of one."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console

from ingest.report import Example, IngestReport, print_report, verdict
from ingest.report.text import wrapped
from ingest.report.words import advice, ending, tone
from tests.ingest.report.made import a_report, a_source, an_issue


def printed(report: IngestReport, *, terminal: bool = False, width: int = 80) -> str:
    out = io.StringIO()
    console = Console(file=out, force_terminal=terminal, width=width, color_system=None, highlight=False)
    print_report(report, console, Path("/home/somebody/.gisgrid/reports/20261122-083000-run-12.html"))
    return out.getvalue()


def test_plain_text_fits_80_columns_and_tells_everything() -> None:
    long = Example(1, "name", "名" * 90 + " " + "word " * 40)
    report = a_report(a_source(examples={"bad_date": (long,)}), issues=(an_issue(), an_issue("sliver", "warning")), generation=3)
    told = printed(report)
    lines = told.splitlines()
    assert [line for line in lines if cell_len(line) > 80 and "名" not in line] == []
    assert "manhole_covers  loaded  17,000  16,916        84        12       3  2.0   8,500" in told
    assert "manhole_covers  900       16     16,000        5" in told
    assert "  80 rows rejected: duplicate_code" in lines
    assert "  1 error: overlap" in lines
    assert "  gisgrid ingest rejects covers -o covers-rejects.gpkg" in lines
    assert "  /home/somebody/.gisgrid/reports/20261122-083000-run-12.html" in lines
    assert not set(told) & set("│┃━─╭╮"), "no lines are drawn"
    assert [line for line in lines if line != line.rstrip()] == []


def test_rejections_come_first_and_each_check_has_its_example() -> None:
    told = printed(a_report())
    codes = [word for word in ("duplicate_code", "bad_date", "trimmed", "value_dropped") if word in told]
    assert sorted(codes, key=told.index) == ["duplicate_code", "bad_date", "trimmed", "value_dropped"]
    assert "    row 813, code: '1' was delivered by row 812 already." in told


def test_a_wide_terminal_gets_tables_and_a_narrow_one_whole_words() -> None:
    assert "─" in printed(a_report(), terminal=True, width=130)
    narrow = printed(a_report(), terminal=True, width=70)
    assert "─" not in narrow
    assert "duplicate_code" in narrow
    assert "…" not in narrow


def test_markup_in_values_is_only_text() -> None:
    report = a_report(a_source(examples={"duplicate_code": (Example(1, "[bold]f[/]", "[red]x[/red] [/oops]"),)}))
    for terminal in (False, True):
        assert "[red]x[/red] [/oops]" in printed(report, terminal=terminal, width=140)


@pytest.mark.parametrize(
    ("report", "words", "how"),
    [
        (a_report(), "Loaded. 84 rows of 17,000 were rejected (0.49 %).", "attention"),
        (a_report(a_source(rejected=1)), "Loaded. 1 row of 17,000 was rejected (less than 0.01 %).", "attention"),
        (a_report(a_source(status="unchanged", rejected=0)), "Nothing changed: every file was loaded as it is before.", "good"),
        (
            a_report(a_source(rejected=0, status="checked"), dry_run=True),
            "Checked only; nothing was written. All 17,000 rows are fit",
            "good",
        ),
        (a_report(a_source(rejected=0), generation=2), "Loaded; the areas wait in draft 2.", "attention"),
        (a_report(a_source(rejected=0), generation=2, activated=True), "Loaded; the areas are in service as generation 2.", "good"),
        (a_report(a_source(rejected=0), generation=2, refusal="It has 3 errors."), "in draft 2. It has 3 errors.", "attention"),
        (a_report(a_source(status="failed", error="No.", rejected=0), a_source(rejected=0)), "Failed: covers. What was loaded", "bad"),
    ],
)
def test_the_verdict_says_how_it_went(report: IngestReport, words: str, how: str) -> None:
    assert words in verdict(report)
    assert tone(report) == how


def test_what_to_do_next_fits_what_was_found() -> None:
    assert advice(a_report(a_source(rejected=0)), None) == []
    assert advice(a_report(dry_run=True), None) == []
    commands = [one.command for one in advice(a_report(a_source(rejected=0), issues=(an_issue(),), generation=3), None)]
    assert commands == ["gisgrid areas check", "gisgrid areas diff", "gisgrid areas activate --force"]
    odd = advice(a_report(a_source(source_id="a b/c;", path="x.csv")), None)
    assert odd[0].command == "gisgrid ingest rejects 'a b/c;' -o 'a b-c;-rejects.csv'"


def test_a_delivery_that_retires_more_than_it_holds_says_how_to_undo_that() -> None:
    settings = {"description": "my sources.toml"}
    small = a_source(rejected=0, read=5, loaded=5, retired=11_890)
    report = a_report(small, settings=settings)
    assert tone(report) == "attention"
    (only,) = advice(report, None)
    assert only.command == "gisgrid ingest 'my sources.toml' --source covers --partial"
    assert "11,890 rows of covers retired" in only.text
    assert advice(a_report(a_source(rejected=0, loaded=3, retired=4)), None) == []


@pytest.mark.parametrize(("path", "suits"), [("a.csv", ".csv"), ("a.XLSX", ".xlsx"), ("a.shp", ".gpkg"), ("a.tsv", ".csv"), ("", ".gpkg")])
def test_bad_rows_come_back_in_a_format_like_the_source(path: str, suits: str) -> None:
    assert ending(path) == suits


def test_lines_break_between_words_only_and_chinese_takes_two_columns() -> None:
    word = "/a/very/long/path" * 8
    lines = list(wrapped(f"one {word} two " + "汉字 " * 30, "  ", "    "))
    assert lines[0] == "  one"
    assert lines[1] == f"    {word}"
    assert all(cell_len(line) <= 80 for line in lines[2:])
    assert list(wrapped("")) == []
