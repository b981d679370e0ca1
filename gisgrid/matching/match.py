"""From a report to the manhole cover that it is about, with how sure that is."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple

from gisgrid.errors import ParameterError
from gisgrid.locator import PointIndex
from gisgrid.matching import likelihood
from gisgrid.matching.distance import PositionError
from gisgrid.matching.likelihood import ScorePart
from gisgrid.matching.owners import owner_named
from gisgrid.matching.reading import Report, read_report
from gisgrid.matching.said import with_given
from gisgrid.types import Neighbour

STANDS_OUT = 0.8
"""A cover is matched, or none is, from this probability on: the next one is then at most a quarter as likely."""

MatchStatus = Literal["matched", "ambiguous", "none"]
"""Whether one cover stands out, none does, or it is none of those recorded."""

MOST_LOOKED_AT = 128
_ABOUT_A_COVER = {"cover": 1.0, "unsaid": 1.0, "drain": 0.5, "other": 0.05}
"""How likely a report is about a cover, by what its text speaks of."""


class ScoredCover(NamedTuple):
    """A cover with the probability that it is the one concerned, and the factors that make it up."""

    neighbour: Neighbour
    score: float
    parts: tuple[ScorePart, ...]


class CoverMatch(NamedTuple):
    """Which cover a report is about.

    ``cover`` is set when ``status`` is ``matched``; ``candidates`` are in the order of their scores, the cover first.
    ``none_score`` is the probability that it is none of the covers in the data; with the scores of all covers near it
    makes one. ``reach_m`` is how far covers were looked for, metres. ``scores`` has the codes of all covers that were looked at, the
    nearest first, with the probability of each.
    """

    status: MatchStatus
    cover: ScoredCover | None
    candidates: tuple[ScoredCover, ...]
    kinds_named: tuple[str, ...]
    reason: str
    none_score: float = 1.0
    reach_m: float = 0.0
    scores: tuple[tuple[str, float], ...] = ()


def match_cover(
    index: PointIndex,
    lon: float,
    lat: float,
    *,
    accuracy_m: float | None = None,
    text: str = "",
    kind: str | None = None,
    state: str | None = None,
    owner_code: str | None = None,
    limit: int = 5,
    organizations: Mapping[str, str] | None = None,
) -> CoverMatch:
    """Return which of the covers in ``index`` a report at a place (degrees, WGS 84) is about.

    ``accuracy_m`` is the radius within which the true place lies in two cases of three, metres (10 when not given); ``text``
    what the report says, in Chinese. ``kind`` (``sewage``, 污水井盖; several with commas), ``state`` (``broken``, 破损) and
    ``owner_code`` say what is known beside the text and go before it. ``organizations`` gives the codes of owners by
    their names, to be looked for in the text. At most ``limit`` candidates are named.

    Raises ParameterError for a position, an accuracy, a limit, a kind or a state that cannot be meant.
    """
    _check(lon, lat, accuracy_m, limit)
    report = with_given(read_report(text), kind, state)
    said = _Said(report, owner_code or owner_named(text, organizations or {}), by_name=not owner_code)
    error = PositionError(accuracy_m)
    around = index.nearest(lon, lat, MOST_LOOKED_AT, error.reach_m)
    scores, none_score, parts_of = _scores(around, said, error)
    scored = _likeliest(around, scores, parts_of, limit)
    status, reason = _verdict(scored, none_score, report, error.reach_m)
    cover = scored[0] if status == "matched" else None
    every = tuple((str(neighbour.properties["code"]), score) for neighbour, score in zip(around, scores, strict=True))
    return CoverMatch(status, cover, tuple(scored[:limit]), report.kinds, reason, none_score, error.reach_m, every)


class _Said(NamedTuple):
    """What a report says; the owner ``by_name`` when only the text names it."""

    report: Report
    owner_code: str | None
    by_name: bool


def _check(lon: float, lat: float, accuracy_m: float | None, limit: int) -> None:
    for name, value in (("lon", lon), ("lat", lat)):
        if not math.isfinite(value):
            raise ParameterError(name, f"{value} is not a coordinate.", "degrees, WGS 84")
    if accuracy_m is not None and not 0.0 <= accuracy_m < math.inf:
        raise ParameterError("accuracy_m", f"{accuracy_m} is not a distance.", "metres, 0 or more")
    if limit < 1:
        raise ParameterError("limit", f"{limit} candidates cannot be named.", "1 or more")


_Record = tuple[object, object, object]
"""What the data say of a cover: kind, state, owner."""


_PartsOf = Callable[[int], tuple[ScorePart, ...]]
"""The factors of the score of a cover, by its place among those looked at."""


def _scores(around: list[Neighbour], said: _Said, error: PositionError) -> tuple[list[float], float, _PartsOf]:
    """Return the probability of each cover, that of none of them, and what tells the factors of one."""
    told: dict[_Record, tuple[float, tuple[ScorePart, ...]]] = {}
    records = [_record(neighbour.properties) for neighbour in around]
    for record in set(records):
        parts = _parts(record, said)
        told[record] = math.prod(part.value for part in parts), parts
    near = error.values([(neighbour.distance_m, neighbour.properties.get("data_source")) for neighbour in around])
    weights = [value * told[record][0] for value, record in zip(near, records, strict=True)]
    none = _weight_of_none(around, said, error)
    total, about = none + sum(weights), _ABOUT_A_COVER[said.report.subject]

    def parts_of(place: int) -> tuple[ScorePart, ...]:
        return likelihood.distance_part(around[place], error), *told[records[place]][1]

    return [weight / total * about for weight in weights], none / total * about + 1.0 - about, parts_of


def _likeliest(around: list[Neighbour], scores: list[float], parts_of: _PartsOf, limit: int) -> list[ScoredCover]:
    """Return the likeliest covers, at least two if there are; words are made only for those."""
    # Those around come by distance, then code: so do equals among the best.
    best = heapq.nsmallest(max(limit, 2), range(len(around)), key=lambda place: -scores[place])
    return [ScoredCover(around[place], scores[place], parts_of(place)) for place in best]


def _record(properties: Mapping[str, object]) -> _Record:
    return properties.get("kind"), properties.get("state"), properties.get("owner_code")


def _parts(record: _Record, said: _Said) -> tuple[ScorePart, ...]:
    report = said.report
    kind, state, owner_code = (value if isinstance(value, str) else None for value in record)
    return (
        likelihood.kind_part(kind, report.kinds, report.source, report.denied),
        likelihood.state_part(state, report.states),
        likelihood.owner_part(owner_code, said.owner_code, said.by_name),
    )


def _weight_of_none(around: list[Neighbour], said: _Said, error: PositionError) -> float:
    """Return how likely the report is of a cover that is not among those around, on the scale of the weights of covers.

    Such covers are thought to lie anywhere: beyond those looked at as many as here, and not in the data as many for each
    one that is as experience says. One more than are seen counts: where nothing is recorded, something may be missing all the same.
    """
    seen_m = around[-1].distance_m if len(around) == MOST_LOOKED_AT else error.reach_m
    density_m2 = (len(around) + 1) / (math.pi * max(seen_m, 1.0) ** 2)
    kinds = (neighbour.properties.get("kind") for neighbour in around)
    told = likelihood.kind_of_none(kinds, said.report.kinds, said.report.source) * (likelihood.OWNER_OF_NONE if said.owner_code else 1.0)
    return density_m2 * error.area_unseen_m2(seen_m) * told


def _verdict(scored: list[ScoredCover], none_score: float, report: Report, reach_m: float) -> tuple[MatchStatus, str]:
    if not scored:
        return "none", f"no cover is recorded within {reach_m:.0f} m"
    if none_score >= STANDS_OUT:
        why = "the text speaks of something else than a cover" if report.subject == "other" else "no cover near fits"
        return "none", f"{why}: {_percent(none_score)} for none of those recorded"
    best = scored[0]
    if best.score < STANDS_OUT:
        others = f"the next {_percent(scored[1].score)}" if len(scored) > 1 else "no other near"
        return "ambiguous", f"no cover stands out: the likeliest has {_percent(best.score)}, {others}, none of them {_percent(none_score)}"
    if doubt := _doubt(best, report):
        return "ambiguous", f"{doubt}, though no other fits better"
    telling = (part.why for part in best.parts if part.value != 1.0)
    others = f", the next {_percent(scored[1].score)}" if len(scored) > 1 else ""
    return "matched", f"stands out with {_percent(best.score)}{others}: {'; '.join(telling)}"


def _percent(score: float) -> str:
    """Return a probability in words that never claim to be sure."""
    if score > 0.99:
        return "over 99%"
    return "under 1%" if score < 0.01 else f"{score:.0%}"


def _doubt(best: ScoredCover, report: Report) -> str:
    """Return what speaks against a cover however well it stands out: its own owner would be sent for another's."""
    recorded = best.neighbour.properties
    if recorded.get("kind") in report.denied or (report.source == "named" and likelihood.is_another(recorded.get("kind"), report.kinds)):
        return next(part.why for part in best.parts if part.name == "kind")
    return "the likeliest cover is recorded as removed" if recorded.get("state") == "removed" else ""
