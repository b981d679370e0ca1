"""Progress as a terminal and as a log show it; the clock is the test's."""

from __future__ import annotations

import io
import subprocess
import sys

import pytest
from rich.console import Console

from gisgrid.progress import Pace, duration, progress_bar


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_the_pace_tells_rows_rate_and_time_left() -> None:
    clock = Clock()
    pace = Pace(clock=clock)
    pace.report("covers", 0, 470_000)
    assert pace.words() == "0 of 470,000 rows"
    clock.now += 3
    pace.report("covers", 120_000, 470_000)
    assert pace.words() == "120,000 of 470,000 rows, 40,000 rows/s, 9 s left"
    clock.now += 9
    pace.report("covers", 470_000, 470_000)
    assert pace.words() == "470,000 of 470,000 rows, 39,000 rows/s"


def test_each_thing_has_a_rate_of_its_own_and_one_without_a_total_has_no_time_left() -> None:
    clock = Clock()
    pace = Pace("steps", clock)
    pace.report("slow", 0, 0)
    clock.now += 100
    pace.report("slow", 10, 0)
    assert pace.rate == pytest.approx(0.1)
    assert pace.words() == "10 steps, 0.1 steps/s"
    pace.report("fast", 0, 0)
    assert (pace.rate, pace.left_s, pace.words()) == (None, None, "0 steps")
    clock.now += 2
    pace.report("fast", 2_468, 0)
    assert pace.words() == "2,468 steps, 1,200 steps/s"


@pytest.mark.parametrize(("seconds", "words"), [(0.2, "1 s"), (59.4, "59 s"), (125, "2 min 5 s"), (4_200, "1 h 10 min")])
def test_a_duration_is_for_people(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_anywhere_but_on_a_terminal_a_plain_line_comes_every_ten_seconds_at_most() -> None:
    clock = Clock()
    out = io.StringIO()
    with progress_bar("Ingest", console=Console(file=out, width=20), clock=clock) as report:
        report("covers", 0, 470_000)
        for done in range(1, 26):
            clock.now += 1
            report("covers", done * 10_000, 470_000)
    assert out.getvalue().splitlines() == [
        "covers: 100,000 of 470,000 rows, 10,000 rows/s, 37 s left",
        "covers: 200,000 of 470,000 rows, 10,000 rows/s, 27 s left",
    ]


def test_quiet_shows_nothing_even_on_a_terminal() -> None:
    clock = Clock()
    out = io.StringIO()
    with progress_bar("Ingest", quiet=True, console=Console(file=out, force_terminal=True), clock=clock) as report:
        clock.now += 100
        report("covers", 5, 10)
    assert out.getvalue() == ""


# The bar is shown from the first moment here, and writing to standard output goes on while it is.
_JSON_UNDER_A_BAR = """
import sys
import gisgrid.progress as progress
from rich.console import Console
progress._SHOW_AFTER_S = 0
console = Console(stderr=True, force_terminal=True, width=100)
with progress.progress_bar("Ingest", console=console) as report:
    report("[bold]co[/v]ers", 50, 100)
    while not console._live_stack: pass
    sys.stdout.write('{"rows": 1}\\n')
    report("[bold]co[/v]ers", 100, 100)
sys.stdout.write('{"rows": 2}\\n')
"""


def test_a_bar_on_the_terminal_leaves_standard_output_alone() -> None:
    done = subprocess.run([sys.executable, "-c", _JSON_UNDER_A_BAR], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == '{"rows": 1}\n{"rows": 2}\n'
    assert "100 of 100 rows" in done.stderr
    assert "Ingest: [bold]co[/v]ers" in done.stderr
