"""Parts of an expression: what each gives for the rows of a batch, as text and as number."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingest import values
from ingest.findings import Mask

Kind = Literal["text", "number", "open"]
"""What a part is: ``open`` is a column, whose text may be a number too; what stands beside it decides."""

_NO_TEXT = pa.scalar(None, pa.string())
_NO_NUMBER = pa.scalar(None, pa.float64())


class Scope(Protocol):
    """The rows that an expression is worked out for."""

    @property
    def size(self) -> int:
        """How many rows there are."""
        ...

    @property
    def decimal(self) -> str | None:
        """The decimal mark of numbers in text."""
        ...

    def text(self, name: str) -> pa.Array:
        """Return the column called ``name`` as text, null where it is blank."""
        ...


class Worked(NamedTuple):
    """What a part gives: one value a row, and the rows for which it cannot be worked out (null there)."""

    values: pa.Array
    bad: Mask


Run = Callable[[Scope], Worked]


class Part(NamedTuple):
    """One part of an expression: how to get its text (strings) and its number (float64) for the rows of a scope."""

    kind: Kind
    text: Run
    number: Run


class Condition(NamedTuple):
    """A part that is true or false in each row, never blank."""

    run: Run


def column(name: str) -> Part:
    """Return the part that reads a column."""

    def text(scope: Scope) -> Worked:
        return Worked(scope.text(name), nothing(scope.size))

    return Part("open", text, _parsed(text))


def literal(value: str | float | None) -> Part:
    """Return the part that is the same in each row; None is blank."""
    if value is None:
        return Part("open", lambda scope: _same(_NO_TEXT, scope), lambda scope: _same(_NO_NUMBER, scope))
    if isinstance(value, str):
        return text_part(lambda scope: _same(pa.scalar(value), scope))
    number = pa.scalar(float(value))
    written = pa.scalar(str(value))
    return Part("number", lambda scope: _same(written, scope), lambda scope: _same(number, scope))


def text_part(run: Run) -> Part:
    """Return the part whose text ``run`` gives; an empty text is blank."""

    def text(scope: Scope) -> Worked:
        found = run(scope)
        return Worked(pc.if_else(pc.equal(found.values, ""), _NO_TEXT, found.values), found.bad)

    return Part("text", text, _parsed(text))


def number_part(run: Run) -> Part:
    """Return the part whose number ``run`` gives; a number that is not finite makes the row bad."""

    def number(scope: Scope) -> Worked:
        found = run(scope)
        endless = values.mask_of(pc.invert(pc.is_finite(found.values)))
        return Worked(pc.if_else(pa.array(endless | found.bad), _NO_NUMBER, found.values), found.bad | endless)

    def text(scope: Scope) -> Worked:
        found = number(scope)
        return Worked(values.as_text(found.values), found.bad)

    return Part("number", text, number)


def blended(parts: Sequence[Part], text: Run, number: Run) -> Part:
    """Return the part that takes its kind from ``parts``: text if one is a text, else number if one is a number, else open."""
    kinds = {part.kind for part in parts}
    if "text" in kinds:
        return text_part(text)
    return number_part(number) if "number" in kinds else Part("open", text, number)


def on_texts(parts: Sequence[Part], work: Callable[..., pa.Array]) -> Part:
    """Return the text that ``work`` makes of the texts of ``parts``."""
    return text_part(_run([part.text for part in parts], work))


def on_numbers(parts: Sequence[Part], work: Callable[..., pa.Array]) -> Part:
    """Return the number that ``work`` makes of the numbers of ``parts``."""
    return number_part(_run([part.number for part in parts], work))


def added(left: Part, right: Part) -> Part:
    """Return two numbers added, or two texts joined; two columns are what the field that they are for needs."""
    joined = _run([left.text, right.text], lambda a, b: pc.binary_join_element_wise(a, b, ""))
    return blended([left, right], joined, on_numbers([left, right], pc.add).number)


def chosen(test: Condition, yes: Part, no: Part) -> Part:
    """Return ``yes`` where the test is true and ``no`` elsewhere; what is not chosen may be bad."""
    return blended([yes, no], _either(test.run, yes.text, no.text), _either(test.run, yes.number, no.number))


def first_of(parts: Sequence[Part]) -> Part:
    """Return the first of ``parts`` that is not blank."""
    return blended(parts, _first([part.text for part in parts]), _first([part.number for part in parts]))


def compared(left: Part, right: Part, sign: str) -> Condition:
    """Return whether ``left`` is ``sign`` (such as ">=") ``right``: as numbers if one is a number, as texts if one is a text.

    Two columns are compared as texts for equality and as numbers for order. Blank equals blank; no order holds for a blank.
    """
    kinds = {left.kind, right.kind}
    as_text = "text" in kinds if sign in {"<", "<=", ">", ">="} else "number" not in kinds
    runs = [left.text, right.text] if as_text else [left.number, right.number]
    return Condition(_run(runs, _COMPARISONS[sign]))


def condition(parts: Sequence[Part], work: Callable[..., pa.Array]) -> Condition:
    """Return whether ``work`` is true of the texts of ``parts``; false where one is blank."""
    return Condition(_run([part.text for part in parts], lambda *texts: pc.fill_null(work(*texts), False)))


def all_or_any(conditions: Sequence[Condition], work: Callable[[pa.Array, pa.Array], pa.Array]) -> Condition:
    """Return conditions joined by ``work`` ("and" or "or")."""
    run = conditions[0].run
    for other in conditions[1:]:
        run = _run([run, other.run], work)
    return Condition(run)


def negated(test: Condition) -> Condition:
    """Return the opposite of a condition."""
    return Condition(_run([test.run], pc.invert))


def nothing(size: int) -> Mask:
    """Return a mask of ``size`` rows of which none is bad."""
    return np.zeros(size, dtype=bool)


def _run(runs: Sequence[Run], work: Callable[..., pa.Array]) -> Run:
    def run(scope: Scope) -> Worked:
        found = [one(scope) for one in runs]
        return Worked(work(*(one.values for one in found)), np.logical_or.reduce([one.bad for one in found]))

    return run


def _parsed(text: Run) -> Run:
    def number(scope: Scope) -> Worked:
        found = text(scope)
        bare = pc.utf8_trim_whitespace(found.values)
        parsed = values.numbers(pc.if_else(pc.equal(bare, ""), _NO_TEXT, bare), scope.decimal)
        return Worked(parsed.values, found.bad | parsed.bad)

    return number


def _either(test: Run, yes: Run, no: Run) -> Run:
    def run(scope: Scope) -> Worked:
        told, first, second = test(scope), yes(scope), no(scope)
        bad = told.bad | np.where(values.mask_of(told.values), first.bad, second.bad)
        return Worked(pc.if_else(told.values, first.values, second.values), bad)

    return run


def _first(runs: Sequence[Run]) -> Run:
    def run(scope: Scope) -> Worked:
        found, bad = runs[0](scope)
        for one in runs[1:]:
            # A value that cannot be read is not passed over as if it were blank.
            there = values.mask_of(pc.is_valid(found)) | bad
            if there.all():
                break
            other = one(scope)
            found, bad = pc.if_else(pa.array(there), found, other.values), bad | (~there & other.bad)
        return Worked(found, bad)

    return run


def _same(value: Any, scope: Scope) -> Worked:
    return Worked(pa.repeat(value, scope.size), nothing(scope.size))


def _equal(left: pa.Array, right: pa.Array) -> pa.Array:
    return pc.or_(pc.fill_null(pc.equal(left, right), False), pc.and_(pc.is_null(left), pc.is_null(right)))


def _ordered(work: Callable[[pa.Array, pa.Array], pa.Array]) -> Callable[[pa.Array, pa.Array], pa.Array]:
    return lambda left, right: pc.fill_null(work(left, right), False)


_COMPARISONS: dict[str, Callable[[pa.Array, pa.Array], pa.Array]] = {
    "==": _equal,
    "!=": lambda left, right: pc.invert(_equal(left, right)),
    "<": _ordered(pc.less),
    "<=": _ordered(pc.less_equal),
    ">": _ordered(pc.greater),
    ">=": _ordered(pc.greater_equal),
}
