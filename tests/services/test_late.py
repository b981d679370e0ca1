"""A value made late is made once."""

from __future__ import annotations

import threading
import time

import pytest

from gisgrid.services.late import Late


def test_many_who_ask_at_a_time_get_one_value() -> None:
    made: list[object] = []

    def make() -> object:
        time.sleep(0.05)
        made.append(object())
        return made[-1]

    late, found = Late(make), []
    threads = [threading.Thread(target=lambda: found.append(late.get())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1
    assert found == made * 8
    assert late.is_ready


def test_a_making_that_fails_is_tried_again() -> None:
    outcomes = iter([ValueError("not now"), "made"])

    def make() -> object:
        outcome = next(outcomes)
        if isinstance(outcome, ValueError):
            raise outcome
        return outcome

    late = Late(make)
    with pytest.raises(ValueError, match="not now"):
        late.get()
    assert not late.is_ready
    assert late.get() == "made"
