"""How current the answers are: what the change feed has told, and what of it has been read."""

from __future__ import annotations

from typing import NamedTuple

LATE_S = 3.0
"""Answers that are not known to be current for longer than this are stale, whatever the reason."""


class Currency(NamedTuple):
    """How current answers are: ``age_s`` is the time since they were last known to hold all that was committed, seconds."""

    database_is_up: bool
    is_stale: bool
    age_s: float

    def as_document(self) -> dict[str, object]:
        """Return what answers say of it: ``age_s`` only when they are stale."""
        document: dict[str, object] = {"database": "up" if self.database_is_up else "down", "stale": self.is_stale}
        return document | {"age_s": round(self.age_s, 1)} if self.is_stale else document


class Freshness:
    """Keeps account of when the answers were last known to be current; times are seconds of one monotonic clock.

    The feed says what it hears, a reader what it has read. After a loss of the database the answers are stale until all that
    was missed has been read, however short the loss was.
    """

    def __init__(self, now: float) -> None:
        self._current_at = now
        self._is_up = True
        self._is_behind = False
        self._heard = self._read = 0

    @property
    def is_up(self) -> bool:
        """Whether the database is being heard."""
        return self._is_up

    @property
    def is_waiting(self) -> bool:
        """Whether changes have been heard of that are not yet in the answers."""
        return self._heard > self._read

    def looked(self, at: float) -> None:
        """Note a look, begun at ``at``, that told of no change."""
        if not self.is_waiting:
            self._current_at = max(self._current_at, at)

    def connected(self) -> None:
        """Note that the database is heard again; what was missed has been told by ``changed`` before."""
        self._is_up = True
        self._is_behind &= self.is_waiting

    def changed(self) -> None:
        """Note that there is something to read."""
        self._heard += 1

    def lost(self) -> None:
        """Note that the database is not heard any more."""
        self._is_up, self._is_behind = False, True

    def begin(self) -> int:
        """Return a mark of all that has been heard of until now; a reading that begins after it will hold that."""
        return self._heard

    def done(self, mark: int, at: float) -> None:
        """Note that what ``mark`` stands for is in the answers, read by a transaction begun at ``at`` or later."""
        self._read = max(self._read, mark)
        self._current_at = max(self._current_at, at)
        if self._is_up:
            self._is_behind &= self.is_waiting

    def at(self, now: float) -> Currency:
        """Return how current the answers are at ``now``."""
        age_s = max(0.0, now - self._current_at)
        return Currency(self._is_up, self._is_behind or not self._is_up or age_s > LATE_S, age_s)
