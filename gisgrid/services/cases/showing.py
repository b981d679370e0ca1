"""Cases as they are shown: what is kept of a decision, with the state of today, the history, and links."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from gisgrid.cases.decision import OPEN_STATES
from gisgrid.cases.documents import Document, in_utc
from gisgrid.db.cases import Happened, KeptCase

_SUMMARY = (
    *("source", "category", "kind", "description", "address", "reported_at", "position"),
    *("grid", "community", "street", "district", "unit", "limit"),
)


def case_document(kept: KeptCase, history: Sequence[Happened], now: datetime, *, with_reporter: bool = False) -> Document:
    """Return a whole case; the reporter's name and telephone only ``with_reporter``, which is for editors."""
    decided = {name: value for name, value in kept.decided.items() if name not in ("input", "due_at")}
    document = {**_head(kept), **decided, **_times(kept, now)}
    if with_reporter:
        name, phone = kept.reporter
        document["reporter"] = None if name is None and phone is None else {"name": name, "phone": phone}
    told = [happened_document(one, with_names=with_reporter) for one in history]
    return document | {"history": told, "links": {"self": path_of(kept.number)}}


def summary_document(kept: KeptCase, now: datetime) -> Document:
    """Return a case as lists and the stream show it."""
    document = {**_head(kept), **{name: kept.decided.get(name) for name in _SUMMARY}, **_times(kept, now)}
    review = kept.decided.get("review")
    document["component_code"] = (kept.decided.get("component") or {}).get("code")
    document["review"] = None if review is None else {"kind": review["kind"], "question": review["question"]}
    return document | {"links": {"self": path_of(kept.number)}}


def happened_document(one: Happened, *, with_names: bool = False) -> Document:
    """Return an entry of the history; who did it is for editors, ``with_names``."""
    return {**one._asdict(), "at": in_utc(one.at), "by": one.by or None if with_names else None}


def path_of(number: str) -> str:
    """Return where a case is read."""
    return f"/cases/{number}"


def _head(kept: KeptCase) -> dict[str, Any]:
    return {"number": kept.number, "version": kept.version, "state": kept.state}


def _times(kept: KeptCase, now: datetime) -> dict[str, Any]:
    return {
        "received_at": in_utc(kept.received_at),
        "due_at": None if kept.due_at is None else in_utc(kept.due_at),
        "is_overdue": kept.state in OPEN_STATES and kept.due_at is not None and kept.due_at < now,
        "closed_at": None if kept.closed_at is None else in_utc(kept.closed_at),
        "changed_at": in_utc(kept.changed_at),
    }
