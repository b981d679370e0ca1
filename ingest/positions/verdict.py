"""The verdict on a delivery's positions: whether what is known of the city says that the declared system is wrong.

Each kind of evidence is a paired comparison of the declared system with one alternative over the same sampled rows: how many fit only
under the alternative, how many only as declared. Rows that stand together count once, for they err together.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from gisgrid.crs import Crs
from ingest.positions import evidence
from ingest.positions.evidence import LOADED, TOLERANCE_M, Fits, Flags, Kind, Placed, Scene
from ingest.positions.hypotheses import Hypothesis, Pairs, declared, shifted, title_of, usual
from ingest.positions.likely import likely_text, range_text
from ingest.positions.sampler import Sampler
from ingest.positions.surroundings import Surroundings

if TYPE_CHECKING:
    from ingest.steps import Opened

_ACCEPT = "If it is right as it is, say so with --accept-crs (or accept_crs = true in the description)."
_SURE = 1e-6
_LEAST_PART = 0.01
_FEW = 5
_CELL_M = 50.0
_LEAST_MOVE_M = 100.0
_EXACT_M = 25.0
_LEAST_DISPLACED = 20
_LEAST_SURE = 20  # rows, for the sign test to reach _SURE
_ONE_VECTOR_M = 15.0
_MOST_DISPLACED = 0.8


class Verdict(NamedTuple):
    """What came of comparing: whether to refuse, with what ``message`` and ``hint``; ``sentences`` say what was compared."""

    refused: bool
    message: str
    hint: str
    sentences: tuple[str, ...]


class _Compared(NamedTuple):
    """One kind of evidence under the declared system and under one alternative, and the rows that are paired."""

    kind: Kind
    before: Fits
    after: Fits
    paired: Flags
    speaks: int  # 1 for the alternative, -1 for what is declared, 0 for neither

    @property
    def gain(self) -> int:
        """How many more of the paired rows fit under the alternative."""
        return int((self.after.fits & self.paired).sum()) - int((self.before.fits & self.paired).sum())


def compare(sampler: Sampler, opened: Opened, known: Surroundings | None) -> Verdict:
    """Return whether the sampled positions of a delivery can be where its coordinate system puts them.

    Without ``known`` only the deployment's bounds are compared with.
    """
    sample = sampler.sample()
    if opened.crs is None or sample.size == 0:
        return Verdict(False, "", "", ())
    scene = Scene(sample, opened.target, opened.deployment, known)
    name = f"{opened.path} (source {opened.source.id!r})"
    return _judge(scene, opened.crs, name, is_turned=opened.source.axis_order == "yx")


def _judge(scene: Scene, crs: Crs, name: str, *, is_turned: bool) -> Verdict:
    now = scene.placed(declared(crs))
    is_inside = int(now.there.sum()) * 2 >= scene.sample.size
    others = shifted(crs, scene.deployment)
    # Numbers inside the bounds that are degrees can be no metres, and the other way round.
    if crs.is_projected or not is_inside:
        others += usual(crs, scene.centres, scene.deployment, is_turned=is_turned, only_usual=is_inside)
    placed = [scene.placed(other) for other in others]
    refusal = None if is_inside else _outside(scene, now, placed, crs, name)
    return refusal or _weighed(scene, now, [other for other in placed if _moves(now, other)], crs, name)


def _weighed(scene: Scene, now: Placed, others: list[Placed], crs: Crs, name: str) -> Verdict:
    """Return the verdict by all evidence there is for the declared system and against it."""
    before = {kind: evidence.fits(kind, scene, now) for kind in evidence.kinds(scene)}
    tests = [[_compared(kind, scene, now, other, fits) for kind, fits in before.items()] for other in others]
    sentences = tuple(
        _sentence(scene, now, kind, fits) + _alternatively(kind, others, tests) for kind, fits in before.items() if fits.judged.any()
    )
    sentences += _too_few(before, tests)
    convicted = [(sum(one.gain for one in tested), place) for place, tested in enumerate(tests) if _convicts(tested)]
    if not convicted:
        return _displaced(scene, now, name, sentences) or Verdict(False, "", "", sentences)
    best = max(convicted)[1]
    hypothesis = others[best].hypothesis
    numbers = "; ".join(_numbers(one, now.hypothesis, hypothesis) for one in tests[best] if one.speaks > 0)
    message = f"{name} is declared as {title_of(crs)}, but looks like {hypothesis.title}: {numbers}."
    witnesses = " and ".join(dict.fromkeys(one.kind.witness for one in tests[best] if one.speaks > 0))
    message += f" Either this delivery or what it is compared with ({witnesses}) is in the wrong place."
    return Verdict(True, message, f"{hypothesis.remedy} {_ACCEPT}", sentences)


def _displaced(scene: Scene, now: Placed, name: str, sentences: tuple[str, ...]) -> Verdict | None:
    """Return the refusal of a delivery whose known rows were all moved by the same way, which no survey does; None if they were not."""
    apart = now.xy - scene.loaded
    apart = apart[np.isfinite(apart).all(axis=1)]
    if len(apart) < _LEAST_DISPLACED:
        return None
    way = np.median(apart, axis=0)
    off = np.hypot(*(apart - way).T)
    together = int((off <= TOLERANCE_M).sum())
    if np.hypot(*way) <= _LEAST_MOVE_M or np.median(off) >= _ONE_VECTOR_M or together < _MOST_DISPLACED * len(apart):
        return None
    message = (
        f"{together:,} of {len(apart):,} sampled rows of {name} that were loaded before lie {_sides(way)} of there, all by the same way "
        f"(half of them to {np.median(off):.0f} m). Either this delivery or what was loaded before is in the wrong place."
    )
    hint = "Ask its owner what was done to the positions. If they were really moved, say so with --accept-crs (or accept_crs = true)."
    return Verdict(True, message, hint, sentences)


def _convicts(tested: list[_Compared]) -> bool:
    """Return whether some evidence speaks for the alternative and none for what is declared."""
    return any(one.speaks > 0 for one in tested) and not any(one.speaks < 0 for one in tested)


def _outside(scene: Scene, now: Placed, others: list[Placed], crs: Crs, name: str) -> Verdict | None:
    """Return the refusal of a delivery most of which lies outside the deployment's bounds; None when nothing explains that."""
    size = scene.sample.size
    inside = int(now.there.sum())
    where = f"{inside:,} of {size:,} sampled rows of {name} lie in the bounds of {scene.deployment.id!r} as {title_of(crs)}"
    best = max(others, key=lambda other: int(other.there.sum()), default=None)
    gained = int((best.there & ~now.there).sum()) if best is not None else 0
    if best is not None and _is_for(gained, int((now.there & ~best.there).sum()), size, few=1 if not inside else _FEW, part=0.5):
        message = f"Only {where}; as {best.hypothesis.title} it would be {int(best.there.sum()):,}."
        # Accepted as they are, the rows outside would be rejected one by one.
        hint = f"{best.hypothesis.remedy} {_ACCEPT}" if inside * 10 > size else best.hypothesis.remedy
        return Verdict(True, message.replace("Only 0 of", "None of"), hint, (where + ".",))
    if inside:
        return None
    numbers = scene.centres[np.isfinite(scene.centres).all(axis=1)]
    message = f"None{where[1:]}: the numbers go from {range_text(numbers)}." if len(numbers) else f"None{where[1:]}."
    hint = f"{likely_text(numbers, scene.deployment)} Is {scene.deployment.id!r} the right GISGRID_DEPLOYMENT?"
    return Verdict(True, message, hint, (where + ".",))


def _moves(now: Placed, other: Placed) -> bool:
    """Return whether an alternative puts the rows elsewhere at all: far enough for the evidence to tell."""
    both = now.there & other.there
    if not both.any():
        return bool(other.there.any())
    apart = other.xy[both] - now.xy[both]
    return float(np.median(np.hypot(apart[:, 0], apart[:, 1]))) > _LEAST_MOVE_M


def _compared(kind: Kind, scene: Scene, now: Placed, other: Placed, before: Fits) -> _Compared:
    after = evidence.fits(kind, scene, other)
    paired = before.judged & after.judged
    # Where the same row was before is evidence of its own for each row; all other evidence is shared by rows that stand together.
    paired &= True if kind is LOADED else _apart(now)
    gained = int((paired & after.fits & ~before.fits).sum())
    lost = int((paired & before.fits & ~after.fits).sum())
    size = int(paired.sum())
    holds = size > 0 and float(after.fits[paired].mean()) >= kind.least_share
    speaks = 0
    if holds and (_is_for(gained, lost, size, few=_FEW, part=kind.least_part) or (kind is LOADED and _is_exact(scene, now, other, paired))):
        speaks = 1
    elif _is_for(lost, gained, size, few=_FEW, part=_LEAST_PART):
        speaks = -1
    return _Compared(kind, before, after, paired, speaks)


def _is_for(gained: int, lost: int, size: int, *, few: int, part: float) -> bool:
    """Return whether ``gained`` rows against ``lost`` of ``size`` are more than chance.

    That is by the exact sign test, or, where rows are too few for it, when nearly all that changes changes to one side.
    """
    if gained < _LEAST_PART * size or gained <= lost:
        return False
    return _chance(gained, gained + lost) < _SURE or (gained >= few and lost * 10 <= gained and gained >= part * size)


def _chance(heads: int, throws: int) -> float:
    """Return the chance of at least ``heads`` in ``throws`` of a fair coin (scipy has it too, but takes half a second to import)."""
    ways, total = math.comb(throws, heads), 0
    for number in range(heads, throws + 1):
        total += ways
        ways = ways * (throws - number) // (number + 1)
    return float(total / 2**throws)


def _is_exact(scene: Scene, now: Placed, other: Placed, judged: Flags) -> bool:
    """Return whether the rows' displacement from where they were loaded is, to some metres, that of the alternative."""
    if not judged.any():
        return False
    off, left = (_distance(placed, scene)[judged] for placed in (now, other))
    return float(np.median(left)) < _EXACT_M and float(np.median(off)) > _LEAST_MOVE_M


def _distance(placed: Placed, scene: Scene) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    apart = np.nan_to_num(placed.xy - scene.loaded, nan=np.inf)
    return np.hypot(apart[:, 0], apart[:, 1])


def _apart(placed: Placed) -> Flags:
    """Return one row of each cell of some metres: what stands together is one piece of evidence, not many."""
    cells = np.floor(np.nan_to_num(placed.xy, nan=0.0, posinf=0.0, neginf=0.0) / _CELL_M).astype(np.int64)
    _, first = np.unique(cells, axis=0, return_index=True)
    result = np.zeros(len(cells), dtype=bool)
    result[first] = True
    return result


def _sentence(scene: Scene, now: Placed, kind: Kind, before: Fits) -> str:
    text = f"{_share(before)} of {int(before.judged.sum()):,} sampled rows {kind.words}"
    return text + _median(scene, now, before) if kind is LOADED else text


def _alternatively(kind: Kind, others: list[Placed], tests: list[list[_Compared]]) -> str:
    """Return the end of a sentence: what the share would be under each alternative."""
    found = [(other.hypothesis, one) for other, tested in zip(others, tests, strict=True) for one in tested if one.kind is kind]
    told = [(other, one) for other, one in found if one.after.judged.any() and (one.gain > 0 or not other.is_mishap)]
    would = [f"; as {other.title} it would be {_share(one.after)}" for other, one in told]
    return "".join(would) + "."


def _too_few(before: dict[Kind, Fits], tests: list[list[_Compared]]) -> tuple[str, ...]:
    """Return the sentence about a delivery of too few rows to be sure by, none of them loaded before."""
    most = max((int(one.paired.sum()) for tested in tests for one in tested), default=0)
    if not 0 < most < _LEAST_SURE or any(kind is LOADED and fits.judged.any() for kind, fits in before.items()):
        return ()
    rows = "1 row that stands" if most == 1 else f"{most} rows that stand"
    return (f"Only {rows} apart: too few to be sure that they are not shifted.",)


def _median(scene: Scene, now: Placed, before: Fits) -> str:
    apart = (now.xy - scene.loaded)[before.judged & now.there]
    if not len(apart):
        return ""
    return f" (median {_sides(np.median(apart, axis=0))} of there)"


def _sides(way: Pairs) -> str:
    east, north = way
    return f"{abs(east):.0f} m {'west' if east < 0 else 'east'} and {abs(north):.0f} m {'south' if north < 0 else 'north'}"


def _numbers(one: _Compared, now: Hypothesis, other: Hypothesis) -> str:
    size = int(one.before.judged.sum())
    return f"{_share(one.after)} of {size:,} sampled rows {one.kind.words} as {other.title}, {_share(one.before)} as {now.title}"


def _share(fits: Fits) -> str:
    judged = int(fits.judged.sum())
    return f"{100.0 * int((fits.fits & fits.judged).sum()) / judged:.1f} %" if judged else "none"
