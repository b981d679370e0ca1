"""Taking cases in: from what was sent to a decision, and to what is kept of it."""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any

import orjson

from gisgrid.cases.decision import Decision, decide
from gisgrid.cases.documents import decision_document
from gisgrid.cases.drafts import CaseDraft, Reading
from gisgrid.cases.rules import RuleSet
from gisgrid.crs import Crs
from gisgrid.db.cases import NewCase
from gisgrid.errors import ParameterError
from gisgrid.geocoding import Geocoding
from gisgrid.services.cases.world import SnapshotWorld, Standing
from gisgrid.services.read_model import ReadModel
from gisgrid.services.snapshot import Snapshot

Geocoder = Callable[[Snapshot], Callable[[str], Geocoding]]
"""What gives the geocoder of a snapshot."""

_KEY = re.compile(r"[\x21-\x7e]{1,200}")


class Intake:
    """Decides cases from what the read model holds. Any thread may ask.

    ``rules`` gives the rules in force, ``geocoder`` what finds addresses in a snapshot; both may be others the next time.
    """

    def __init__(self, model: ReadModel, standing: Standing, rules: Callable[[], RuleSet], geocoder: Geocoder) -> None:
        self._model, self.standing, self._rules, self._geocoder = model, standing, rules, geocoder
        self._world: tuple[Snapshot, SnapshotWorld] | None = None
        self._making = threading.Lock()

    @property
    def reading(self) -> Reading:
        """How reports in JSON are read."""
        return Reading(self._model.default_crs, self.standing.calendar.zone)

    @property
    def zone(self) -> str:
        """The name of the time zone of the city."""
        return self.standing.calendar.zone.key

    def to_wgs84(self, first: float, second: float, crs: Crs) -> tuple[float, float]:
        """Return longitude and latitude of a position in ``crs``; raises ParameterError for one that cannot be meant."""
        return self._model.to_wgs84(first, second, crs)

    def world(self, rules: RuleSet | None = None) -> SnapshotWorld:
        """Return all that is known at this moment; by other ``rules`` than those in force, if given."""
        snapshot = self._model.snapshot
        rules = rules or self._rules()
        kept = self._world
        if kept is None or kept[0] is not snapshot or kept[1].rules is not rules:
            with self._making:
                before = None if kept is None else kept[1]
                kept = self._world = (snapshot, SnapshotWorld(snapshot, self.standing, rules, self._geocoder(snapshot), before))
        return kept[1]

    @property
    def is_prepared(self) -> bool:
        """Whether all that decisions need is at hand."""
        return self.world().is_prepared

    def prepare(self) -> None:
        """Make what decisions need; after the data have changed it takes a moment."""
        self.world().prepare()

    def decide(self, draft: CaseDraft, now: datetime) -> Decision:
        """Return what is decided of a case; errors as ``gisgrid.cases.decision.decide``."""
        return decide(draft, self.world(), now)

    def new_case(self, decision: Decision, now: datetime, *, key: str | None = None, body_hash: bytes = b"", by: str = "") -> NewCase:
        """Return what is to be kept of a decision."""
        document = decision_document(decision)
        values = kept_values(document, decision.state, self.standing)
        reporter = decision.draft.reporter
        noted = noted_of(document, decision.state)
        day = now.astimezone(self.standing.calendar.zone).date().isoformat()
        return NewCase(values, noted, day, by, None if reporter is None else (reporter.name, reporter.phone), key, body_hash)


def kept_values(document: dict[str, Any], state: str, standing: Standing) -> dict[str, Any]:
    """Return the columns of a case whose decision is ``document``."""
    position = document["position"] or {}
    component = document["component"] or {}
    reported_at = datetime.fromisoformat(document["reported_at"])
    areas = {f"{name}_code": (document[name] or {}).get("code") for name in ("district", "street", "community", "grid", "unit")}
    return {
        "state": state,
        "source": document["source"],
        "category": document["category"]["text"],
        "kind": document["kind"],
        "class_code": document["category"]["class_code"],
        "description": document["description"],
        "address": document["address"],
        "component_code": component.get("code"),
        **areas,
        "reported_at": document["reported_at"],
        "reported_on": reported_at.astimezone(standing.calendar.zone).date().isoformat(),
        "due_at": document["due_at"],
        "decided": document,
        "lon": position.get("lon"),
        "lat": position.get("lat"),
    }


def noted_of(document: dict[str, Any], state: str) -> dict[str, Any]:
    """Return what the history keeps of a case as it is at one moment."""
    position, review, unit = document["position"], document["review"], document["unit"]
    return {
        "state": state,
        "grid": document["grid"],
        "unit": None if unit is None else {"code": unit["code"], "name": unit["name"]},
        "due_at": document["due_at"],
        "position": None if position is None else {name: position[name] for name in ("lon", "lat", "from")},
        "review": None if review is None else review["kind"],
    }


def check_key(text: str) -> str:
    """Return an Idempotency-Key; raises ParameterError for one that is empty, too long, or has other than printable ASCII."""
    key = text.strip().strip('"')
    if not _KEY.fullmatch(key):
        raise ParameterError("Idempotency-Key", f"{text[:60]!r} cannot be a key.", "1 to 200 printable ASCII characters, such as a UUID")
    return key


def hash_of_body(document: object) -> bytes:
    """Return the SHA-256 of what was sent, whatever the order of its members and the blanks between them."""
    return hashlib.sha256(orjson.dumps(document, option=orjson.OPT_SORT_KEYS)).digest()
