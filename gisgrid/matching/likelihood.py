"""How likely a report is if a cover is the one concerned: a factor each for distance, kind, state and owner."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from gisgrid.matching.distance import NOT_RECORDED, PositionError
from gisgrid.matching.reading import Source
from gisgrid.types import Neighbour

_ABOUT_THE_SAME = (
    frozenset(("water_supply", "sewage", "rainwater", "rainwater_grating", "reclaimed_water", "septic", "fire_facility")),
    frozenset(("power", "street_lighting", "signal_power", "cable", "police")),
    frozenset(("telecom", "television", "network", "cable", "police")),
    frozenset(("gas", "oil_gas_pipeline")),
)
"""Kinds that are taken for each other: covers look alike, or carry the same mark."""
NO_COVERS = frozenset(("rainwater_grating", "fire_facility"))
"""Kinds that can be named and are not among the covers."""


class ScorePart(NamedTuple):
    """One factor of a score: how likely this much of the report is if the cover is meant, and why, in words and numbers.

    The values are on one scale for all candidates of a report, so that their product tells how they compare.
    """

    name: str
    value: float
    why: str


class _Telling(NamedTuple):
    """How likely a source tells the kind that is recorded, one like it, any other, or one where none sure is recorded."""

    equal: float
    alike: float
    other: float
    unsure: float


# A sign read off the cover is right nine times in ten; an owner named may be there for another reason.
_TELLING: dict[Source, _Telling] = {
    "named": _Telling(0.9, 0.03, 0.01, 0.15),
    "owner": _Telling(0.6, 0.1, 0.05, 0.15),
    "contents": _Telling(0.6, 0.15, 0.05, 0.15),
}
_UNSURE_KINDS = frozenset(("unknown", "special", "other", "", None))


def distance_part(neighbour: Neighbour, error: PositionError) -> ScorePart:
    """Return how likely the cover is reported at its distance, see ``PositionError.value``."""
    source = neighbour.properties.get("data_source")
    usual_m = error.usual_m(source)
    return ScorePart(
        "distance", error.value(neighbour.distance_m, source), f"{neighbour.distance_m:.1f} m away, where {usual_m:.1f} m are usual"
    )


def kind_part(recorded: str | None, kinds: tuple[str, ...], source: Source, denied: tuple[str, ...]) -> ScorePart:
    """Return how likely a report names ``kinds`` (and denies others) of a cover of the kind ``recorded``."""
    if recorded in denied:
        return ScorePart("kind", 0.05, f"the report says that it is not {recorded}")
    if not kinds or not source:
        return ScorePart("kind", 1.0, "the report names no kind")
    value, how = _told(recorded, kinds, _TELLING[source])
    return ScorePart("kind", value, f"{' or '.join(kinds)} is named, recorded is {recorded or 'none'}{how}")


def _told(recorded: str | None, kinds: tuple[str, ...], telling: _Telling) -> tuple[float, str]:
    if recorded in kinds:
        return telling.equal, ""
    if recorded in _UNSURE_KINDS:
        return telling.unsure, ", which may be any kind"
    if "unknown" in kinds:
        # What nobody could tell at the place may well be known in the data.
        return 0.3, ""
    if any(recorded in group and not group.isdisjoint(kinds) for group in _ABOUT_THE_SAME):
        return telling.alike, ", for which it is taken at times"
    return telling.other, ""


def kind_of_none(recorded: Iterable[object], kinds: tuple[str, ...], source: Source) -> float:
    """Return how likely a report names ``kinds`` of a cover that is not in the data, going by those around that are."""
    if not kinds or not source:
        return 1.0
    telling = _TELLING[source]
    # As if ten more covers had been seen, one of them of the kind.
    same = [kind in kinds for kind in recorded]
    share = (sum(same) + 1) / (len(same) + 10)
    known = share * telling.equal + (1 - share) * telling.other
    return telling.equal / NOT_RECORDED if NO_COVERS.issuperset(kinds) else known


def is_another(recorded: object, kinds: tuple[str, ...]) -> bool:
    """Return whether a cover is recorded as of another kind than those named, and surely so."""
    return bool(kinds) and "unknown" not in kinds and recorded not in kinds and recorded not in _UNSURE_KINDS


def state_part(recorded: str | None, states: tuple[str, ...]) -> ScorePart:
    """Return how much more often such a report comes of a cover that is recorded in this state than of an intact one."""
    said = ", ".join(states)
    if recorded == "removed":
        return ScorePart("state", 0.5 if "removed" in states else 0.05, "recorded as removed")
    if recorded == "abandoned":
        return ScorePart("state", 1.0 if "abandoned" in states else 0.3, "recorded as abandoned")
    if recorded in ("broken", "missing") and recorded in states:
        return ScorePart("state", 2.0, f"{recorded} is reported, and recorded")
    if recorded == "missing" and states:
        return ScorePart("state", 0.7, f"recorded as missing, reported as {said}")
    return ScorePart("state", 1.0, f"recorded as {recorded or 'unknown'}, reported as {said or 'nothing'}")


def owner_part(recorded: str | None, owner_code: str | None, by_name: bool) -> ScorePart:
    """Return how likely a report gives ``owner_code`` for a cover of the owner ``recorded``; a name in a text tells less."""
    if not owner_code:
        return ScorePart("owner", 1.0, "the report names no owner")
    how = "named in the text" if by_name else "given"
    if not recorded:
        return ScorePart("owner", 0.3, f"{owner_code} is {how}, and no owner is recorded")
    if recorded == owner_code:
        return ScorePart("owner", 0.7 if by_name else 0.9, f"{owner_code} is {how}, and recorded")
    return ScorePart("owner", 0.2 if by_name else 0.1, f"{owner_code} is {how}, recorded is {recorded}")


OWNER_OF_NONE = 0.3
"""How likely a report names the owner that it does of a cover that is not in the data."""
