"""Progress: one callback type for all that takes long, and the bar that a terminal shows for it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and how much there is in all (0 when unknown)."""

_SHOW_AFTER_S = 1.0


def silent(_what: str, _done: int, _total: int) -> None:
    """Report progress to nobody."""


@contextmanager
def progress_bar(title: str) -> Iterator[Progress]:
    """Show a bar called ``title`` on standard error, once the work has taken more than a second.

    Work that reports nothing gets a bar without an end. On anything but a terminal no bar is drawn, so that log files
    stay clean.
    """
    console = Console(stderr=True)
    bar = Bar(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=console, transient=True)
    task = bar.add_task(title, total=None)
    timer = threading.Timer(_SHOW_AFTER_S, bar.start)
    timer.daemon = True

    def report(what: str, done: int, total: int) -> None:
        bar.update(task, description=f"{title}: {what}", completed=done, total=total or None)

    if console.is_terminal:
        timer.start()
    try:
        yield report
    finally:
        timer.cancel()
        if bar.live.is_started:
            bar.stop()
