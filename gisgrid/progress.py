"""Progress: one callback type for all that takes long, and what a terminal or a log shows of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, SpinnerColumn, TextColumn
from rich.progress import Progress as Bar

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and how much there is in all (0 when unknown)."""

_SHOW_AFTER_S = 1.0
_LINE_EVERY_S = 10.0
_SURE_AFTER_S = 1.0  # a rate taken over less says little


def silent(_what: str, _done: int, _total: int) -> None:
    """Report progress to nobody."""


class Pace:
    """How fast one thing after another gets done, in words: rows done of how many, rows a second, time left.

    The rate is that of what is being done now, from its first report on. ``clock`` counts seconds.
    """

    def __init__(self, unit: str = "rows", clock: Callable[[], float] = time.monotonic) -> None:
        self._unit = unit
        self._clock = clock
        self._what = ""
        self._start = (clock(), 0)
        self._now = self._start
        self._total = 0

    def report(self, what: str, done: int, total: int) -> None:
        """Take a report of progress; ``done`` going back means that the work has begun anew."""
        now = (self._clock(), done)
        if what != self._what or done < self._now[1]:
            self._what, self._start = what, now
        self._now, self._total = now, total

    @property
    def rate(self) -> float | None:
        """How many are done in a second; None while too little is known to tell."""
        seconds, done = self._now[0] - self._start[0], self._now[1] - self._start[1]
        return done / seconds if done > 0 and seconds >= _SURE_AFTER_S else None

    @property
    def left_s(self) -> float | None:
        """Seconds until all is done at this rate; None where that cannot be told."""
        missing = self._total - self._now[1]
        return missing / self.rate if self.rate and missing > 0 else None

    def words(self) -> str:
        """Return such as "120,000 of 470,000 rows, 41,000 rows/s, 9 s left"."""
        done = f"{self._now[1]:,} of {self._total:,} {self._unit}" if self._total else f"{self._now[1]:,} {self._unit}"
        rate = f"{_rounded(self.rate)} {self._unit}/s" if self.rate else ""
        left = f"{duration(self.left_s)} left" if self.left_s is not None else ""
        return ", ".join(part for part in (done, rate, left) if part)


def duration(seconds: float) -> str:
    """Return a time for people: "9 s", "2 min 5 s", "1 h 10 min"; what is left of a second counts as one."""
    whole = max(1, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def _rounded(rate: float) -> str:
    """Return a rate with the two digits that mean something: "41,000", "0.7"."""
    return f"{round(rate, 2 - len(str(int(rate)))):,.0f}" if rate >= 10 else f"{rate:.1f}"


@contextmanager
def progress_bar(
    title: str, *, quiet: bool = False, unit: str = "rows", console: Console | None = None, clock: Callable[[], float] = time.monotonic
) -> Iterator[Progress]:
    """Show how the work called ``title`` goes, on standard error: rows, rows a second, time left.

    On a terminal a bar once the work has taken more than a second, gone at its end; anywhere else a plain line every ten
    seconds, so that log files stay readable and short work leaves none. With ``quiet`` nothing. Standard output is left alone.
    """
    out = console or Console(stderr=True, highlight=False)
    if quiet:
        yield silent
    elif out.is_terminal:
        with _bar(title, Pace(unit, clock), out) as report:
            yield report
    else:
        yield _lines(Pace(unit, clock), out, clock)


@contextmanager
def _bar(title: str, pace: Pace, console: Console) -> Iterator[Progress]:
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(20),
        TextColumn("{task.fields[pace]}", markup=False),
    )
    bar = Bar(*columns, console=console, transient=True, redirect_stdout=False)
    task = bar.add_task(title, total=None, pace="")
    timer = threading.Timer(_SHOW_AFTER_S, bar.start)
    timer.daemon = True

    def report(what: str, done: int, total: int) -> None:
        pace.report(what, done, total)
        bar.update(task, description=f"{title}: {what}", completed=done, total=total or None, pace=pace.words())

    timer.start()
    try:
        yield report
    finally:
        timer.cancel()
        timer.join()  # it may be starting the bar just now
        if bar.live.is_started:
            bar.stop()


def _lines(pace: Pace, console: Console, clock: Callable[[], float]) -> Progress:
    last = clock()

    def report(what: str, done: int, total: int) -> None:
        nonlocal last
        pace.report(what, done, total)
        if clock() - last >= _LINE_EVERY_S:
            last = clock()
            console.print(f"{what}: {pace.words()}", soft_wrap=True, markup=False, highlight=False)

    return report
