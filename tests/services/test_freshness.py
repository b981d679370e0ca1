"""How current answers say that they are: nothing is called fresh that may not be."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gisgrid.services.freshness import LATE_S, Freshness


def test_what_was_loaded_just_now_is_current() -> None:
    state = Freshness(100.0)
    assert state.at(100.5) == (True, False, 0.5)
    assert state.at(100.5).as_document() == {"database": "up", "stale": False}


def test_without_a_look_answers_grow_stale_whatever_the_reason() -> None:
    state = Freshness(100.0)
    state.looked(110.0)
    assert not state.at(110.0 + LATE_S).is_stale
    late = state.at(111.0 + LATE_S)
    assert late.is_stale
    assert late.as_document() == {"database": "up", "stale": True, "age_s": round(1.0 + LATE_S, 1)}


def test_a_lost_database_makes_answers_stale_at_once() -> None:
    state = Freshness(100.0)
    state.looked(101.0)
    state.lost()
    assert state.at(101.2).as_document() == {"database": "down", "stale": True, "age_s": 0.2}


def test_a_database_that_is_back_is_stale_until_what_was_missed_is_read() -> None:
    state = Freshness(100.0)
    state.lost()
    state.changed()
    state.connected()
    assert state.at(100.5) == (True, True, 0.5)
    mark = state.begin()
    state.done(mark, 101.0)
    assert state.at(101.5) == (True, False, 0.5)


def test_a_database_that_is_back_without_a_change_is_fresh_at_once() -> None:
    state = Freshness(100.0)
    state.lost()
    state.connected()
    assert not state.at(100.5).is_stale


def test_what_comes_while_reading_is_still_to_be_read() -> None:
    state = Freshness(100.0)
    state.changed()
    mark = state.begin()
    state.changed()
    state.done(mark, 100.2)
    assert state.is_waiting
    state.looked(109.0)  # tells nothing while something is to be read
    assert state.at(109.0).age_s == 109.0 - 100.2


def test_a_reading_that_ends_while_the_database_is_away_leaves_answers_stale() -> None:
    state = Freshness(100.0)
    state.changed()
    mark = state.begin()
    state.lost()
    state.done(mark, 100.1)
    assert state.at(100.2).is_stale


@given(steps=st.lists(st.sampled_from(["look", "change", "lose", "return", "begin", "done"]), max_size=40))
def test_fresh_means_that_all_that_was_heard_of_is_in_the_answers(steps: list[str]) -> None:
    """Against a plain account: which changes have been heard, and which were heard before the last reading began."""
    state = Freshness(0.0)
    heard, read, is_up, marks = 0, 0, True, [(0, 0)]
    for now, step in enumerate(steps, start=1):
        if step == "look" and is_up:
            state.looked(float(now))
        elif step == "change" and is_up:
            state.changed()
            heard += 1
        elif step == "lose":
            state.lost()
            is_up = False
        elif step == "return":
            state.connected()
            is_up = True
        elif step == "begin":
            marks.append((state.begin(), heard))
        elif step == "done":
            mark, of = marks.pop() if len(marks) > 1 else (state.begin(), heard)
            state.done(mark, float(now))
            read = max(read, of)
        told = state.at(float(now))
        assert told.database_is_up == is_up
        if not is_up:
            assert told.is_stale
        assert state.is_waiting == (heard > read)
