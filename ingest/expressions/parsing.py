"""From the text of an expression to its parts: Python's own parser reads it, and only what is listed here is taken."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gisgrid.errors import SourceError
from gisgrid.mistakes import near
from ingest import values
from ingest.expressions import parts
from ingest.expressions.functions import FUNCTIONS, MOST_CHARACTERS, Function, slice_of
from ingest.expressions.parts import Condition, Kind, Part, Scope, Worked

_LONGEST = 2000
_DEEPEST = 60
_LARGEST = 1e300
_HINT = "docs/ingest.md lists what an expression may hold."


class Expression(NamedTuple):
    """An expression that has been read: the columns that it needs, and how to work it out."""

    source: str
    columns: tuple[str, ...]
    kind: Kind
    part: Part

    def text(self, scope: Scope, *, as_number: bool = False) -> Worked:
        """Return the text of each row, null where it is blank; ``as_number`` says that a number is needed.

        A number is written with a point, however the file writes its own.
        """
        if self.is_plain(as_number=as_number):
            found = self.part.number(scope)
            return Worked(values.as_text(found.values), found.bad)
        found = self.part.text(scope)
        bare = pc.utf8_trim_whitespace(found.values)
        return Worked(pc.if_else(pc.equal(bare, ""), pa.scalar(None, pa.string()), bare), found.bad)

    def is_plain(self, *, as_number: bool = False) -> bool:
        """Say whether what it gives is a number, worked out and written as a program does."""
        return self.kind == "number" or (self.kind == "open" and as_number)


@lru_cache(maxsize=512)
def parse_expression(text: str) -> Expression:
    """Return the expression that ``text`` says.

    Raises SourceError for anything that is not in the language: it names the word and lists what there is.
    """
    if len(text) > _LONGEST:
        raise _refusal(text, f"it is longer than {_LONGEST} characters")
    # A backslash stands for itself, so that regular expressions need not double it.
    source = " ".join(text.replace("\\", "\\\\").split("\n")).strip()
    builder = _Builder(text, source)
    part = builder.value(_tree(text, source))
    expression = Expression(text, tuple(dict.fromkeys(builder.columns)), part.kind, part)
    try:
        for as_number in (False, True):
            expression.text(_Blank(), as_number=as_number)  # so that a bad pattern shows now, and not in the middle of a load
    except (pa.ArrowException, OverflowError) as error:
        why = str(error).splitlines()[0].rstrip(".")
        raise _refusal(text, f"it cannot be worked out: {why}") from None
    return expression


class _Blank:
    """One row of blanks."""

    size = 1
    decimal = None

    def text(self, name: str) -> pa.Array:  # noqa: ARG002 - a column by any name is blank
        return pa.nulls(1, pa.string())


def _refusal(text: str, why: str) -> SourceError:
    shown = text if len(text) <= 200 else f"{text[:200]}…"
    return SourceError(f"The expression `{shown}` cannot be used: {why}.", _HINT)


def _tree(text: str, source: str) -> ast.expr:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source, mode="eval").body
    except SyntaxError as error:
        raise _refusal(text, f'it cannot be read ({error.msg}); a column whose name is no plain word is written col("name")') from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise _refusal(text, f"it cannot be read ({error})") from None
    if _depth(tree) > _DEEPEST:
        raise _refusal(text, "it has too many brackets or signs inside one another")
    return tree


def _depth(tree: ast.AST) -> int:
    depth, level = 0, [tree]
    while level:
        depth, level = depth + 1, [child for node in level for child in ast.iter_child_nodes(node)]
    return depth


def _remainder(a: pa.Array, b: pa.Array) -> pa.Array:
    blank = values.mask_of(pc.or_(pc.is_null(a), pc.is_null(b)))
    with np.errstate(all="ignore"):
        found = np.mod(a.to_numpy(zero_copy_only=False), b.to_numpy(zero_copy_only=False))
    return pa.array(found, pa.float64(), mask=blank)


_ARITHMETIC: dict[type[ast.operator], Callable[[pa.Array, pa.Array], pa.Array]] = {
    ast.Sub: pc.subtract,
    ast.Mult: pc.multiply,
    ast.Div: pc.divide,
    ast.Mod: _remainder,
}
_SIGNS: dict[type[ast.cmpop], str] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Is: "==",
    ast.IsNot: "!=",
}


class _Builder:
    """Builds the parts of one expression, and collects the columns that it names."""

    def __init__(self, text: str, source: str) -> None:
        self._text = text
        self._source = source
        self.columns: list[str] = []

    def value(self, node: ast.expr) -> Part:
        """Return the part that ``node`` says."""
        built = self._built(node)
        if isinstance(built, Condition):
            raise self._refusal(f"`{ast.unparse(node)}` is true or false; say what it means: `1 if {ast.unparse(node)} else 0`")
        return built

    def condition(self, node: ast.expr) -> Condition:
        """Return the condition that ``node`` says."""
        built = self._built(node)
        if isinstance(built, Part):
            raise self._refusal(f'`{ast.unparse(node)}` is no condition; write one such as `{ast.unparse(node)} != ""`')
        return built

    def _built(self, node: ast.expr) -> Part | Condition:
        build = _BUILDERS.get(type(node))
        if build is None:
            raise self._not_taken(node)
        return build(self, node)

    def _literal(self, node: ast.Constant) -> Part:
        value = node.value
        if isinstance(value, str):
            return parts.literal(self._quoted(node))
        if value is None or (isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < _LARGEST):
            return parts.literal(value)
        raise self._not_taken(node)

    def _quoted(self, node: ast.Constant) -> str:
        """Return a text as it was written; only one plain pair of quotes is taken, so that nothing in it has another meaning."""
        value = str(node.value)
        written = ast.get_source_segment(self._source, node) or " "
        if written[0] not in "\"'" or written[0] in written[1:-1]:
            raise self._refusal(f"{written[:60]} must be a text in one pair of plain quotes")
        return value

    def _name(self, node: ast.Name) -> Part:
        return self._column(node.id)

    def _column(self, name: str) -> Part:
        self.columns.append(name)
        return parts.column(name)

    def _binary(self, node: ast.BinOp) -> Part:
        left, right = self.value(node.left), self.value(node.right)
        if isinstance(node.op, ast.Add):
            return parts.added(left, right)
        work = _ARITHMETIC.get(type(node.op))
        if work is None:
            raise self._not_taken(node)
        return parts.on_numbers([left, right], work)

    def _unary(self, node: ast.UnaryOp) -> Part | Condition:
        if isinstance(node.op, ast.Not):
            return parts.negated(self.condition(node.operand))
        if isinstance(node.op, ast.Invert):
            raise self._not_taken(node)
        sign = -1.0 if isinstance(node.op, ast.USub) else 1.0
        return parts.on_numbers([self.value(node.operand)], lambda number: pc.multiply(number, sign))

    def _choice(self, node: ast.IfExp) -> Part:
        return parts.chosen(self.condition(node.test), self.value(node.body), self.value(node.orelse))

    def _and_or(self, node: ast.BoolOp) -> Condition:
        work = pc.and_ if isinstance(node.op, ast.And) else pc.or_
        return parts.all_or_any([self.condition(value) for value in node.values], work)

    def _compare(self, node: ast.Compare) -> Condition:
        sides = [node.left, *node.comparators]
        steps = [self._comparison(sides[number], op, sides[number + 1]) for number, op in enumerate(node.ops)]
        return parts.all_or_any(steps, pc.and_)

    def _comparison(self, left: ast.expr, op: ast.cmpop, right: ast.expr) -> Condition:
        sign = _SIGNS.get(type(op))
        if sign is None:  # "in", or its opposite
            if not isinstance(right, (ast.Tuple, ast.List)) or not right.elts:
                raise self._refusal('`in` takes a list, as in `a in ("x", "y")`')
            one_of = parts.all_or_any([parts.compared(self.value(left), self.value(item), "==") for item in right.elts], pc.or_)
            return one_of if isinstance(op, ast.In) else parts.negated(one_of)
        return parts.compared(self.value(left), self.value(right), sign)

    def _subscript(self, node: ast.Subscript) -> Part:
        part = self.value(node.value)
        if isinstance(node.slice, ast.Slice) and node.slice.step is None:
            start, stop = (None if side is None else self._whole(side) for side in (node.slice.lower, node.slice.upper))
            return slice_of(part, start, stop)
        if isinstance(node.slice, ast.Slice):
            raise self._not_taken(node)
        at = self._whole(node.slice)
        return slice_of(part, at, at + 1 if at != -1 else None)

    def _call(self, node: ast.Call) -> Part | Condition:
        if not isinstance(node.func, ast.Name) or node.keywords or any(isinstance(arg, ast.Starred) for arg in node.args):
            raise self._not_taken(node)
        name = node.func.id
        if name == "col":
            return self._named_column(node)
        function = FUNCTIONS.get(name)
        if function is None:
            names = ["col", *FUNCTIONS]
            raise self._refusal(f"there is no function {name!r}{near(name, names)} (functions: {', '.join(names)})")
        if not function.required <= len(node.args) <= function.most:
            raise self._refusal(f"{name} is written {function.usage}")
        try:
            return function.make(*self._arguments(function, node.args))
        except ValueError as error:
            raise self._refusal(str(error)) from None

    def _named_column(self, node: ast.Call) -> Part:
        match node.args:
            case [ast.Constant(value=str() as name)]:
                return self._column(name)
        raise self._refusal('col is written col("name of a column")')

    def _arguments(self, function: Function, given: Sequence[ast.expr]) -> list[Part | str | int]:
        kinds = function.parameters * (len(given) if function.repeats else 1)
        return [self._argument(function, kind, node) for kind, node in zip(kinds, given, strict=False)]

    def _argument(self, function: Function, kind: str, node: ast.expr) -> Part | str | int:
        if kind == "part":
            return self.value(node)
        if kind == "whole":
            return self._whole(node)
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return self._quoted(node)
        raise self._refusal(f"`{ast.unparse(node)}` must be a text in quotes: {function.usage}")

    def _whole(self, node: ast.expr) -> int:
        match node:
            case ast.Constant(value=int() as number) if not isinstance(number, bool) and number <= MOST_CHARACTERS:
                return number
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() as number)) if number <= MOST_CHARACTERS:
                return -number
        raise self._refusal(f"`{ast.unparse(node)}` must be a whole number of at most {MOST_CHARACTERS}")

    def _not_taken(self, node: ast.expr) -> SourceError:
        shown = ast.unparse(node)
        return self._refusal(f"`{shown if len(shown) <= 60 else shown[:60] + '…'}` is nothing that an expression may hold")

    def _refusal(self, why: str) -> SourceError:
        return _refusal(self._text, why)


_BUILDERS: dict[type[ast.expr], Callable[[_Builder, Any], Part | Condition]] = {
    ast.Constant: _Builder._literal,
    ast.Name: _Builder._name,
    ast.Call: _Builder._call,
    ast.BinOp: _Builder._binary,
    ast.UnaryOp: _Builder._unary,
    ast.IfExp: _Builder._choice,
    ast.Subscript: _Builder._subscript,
    ast.Compare: _Builder._compare,
    ast.BoolOp: _Builder._and_or,
}
