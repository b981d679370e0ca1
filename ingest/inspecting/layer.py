"""Which layer the rows of a sample probably belong to, and why."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from gisgrid.codes import component_classes
from ingest.inspecting.columns import Column
from ingest.inspecting.names import best_match, mentions
from ingest.inspecting.sample import Sample
from ingest.inspecting.tables import guesses
from ingest.targets import TARGETS

_GENERIC = {"code", "name", "parent_code", "note", "address", "data_source", "phone", "owner_code"}
_OF_SHAPE = {
    shape: frozenset(goal.id for goal in TARGETS.values() if goal.geometry == kind)
    for shape, kind in (("point", "Point"), ("line", "MultiLineString"), ("polygon", "MultiPolygon"), ("", None))
}
_HOUSE_M2 = 3_000.0
_DISTRICT_CODE = re.compile(r"\d{6}|\d{9}|\d{12}|[0-9A-Z]{15}")
_CAMERA_CODE = re.compile(r"\d{10}13[12]\d{7}")
_ENOUGH = {"polygon": 1.0}
_ENOUGH_ELSE = 2.0
_CLEAR = 2.0


class LayerGuess(NamedTuple):
    """The layer that rows probably belong to, what speaks for it, and the runner-up; ``is_sure`` when nothing else comes near."""

    layer: str
    reasons: tuple[str, ...]
    is_sure: bool
    next_best: str = ""


class _Scores:
    """Points for each layer that can be, with the words that say where they come from."""

    def __init__(self, layers: list[str]) -> None:
        self.points: Counter[str] = Counter(dict.fromkeys(layers, 0))
        self.reasons: dict[str, list[str]] = {layer: [] for layer in layers}

    def add(self, layer: str, points: float, reason: str = "") -> None:
        if layer in self.reasons:
            self.points[layer] += points  # type: ignore[assignment]
            if reason:
                self.reasons[layer].append(reason)


def guess_layer(sample: Sample, path: Path, kind: str) -> LayerGuess | None:
    """Return the layer that the rows of ``sample`` probably belong to.

    ``kind`` is that of the geometries (``point``, ``polygon``, ``line``, ``mixed``, or empty for rows without a place). None when
    no layer takes such rows (see ``possible_layers``), or when nothing speaks for any.
    """
    scores = _Scores(possible_layers(kind))
    if not scores.reasons:
        return None
    _by_label(scores, _label(sample, path))
    for column in sample.columns:
        _by_values(scores, column)
    _by_columns(scores, sample)
    if kind in {"polygon", "mixed"}:
        _by_size(scores, sample)
    return _best(scores, _ENOUGH.get(kind, _ENOUGH_ELSE))


def possible_layers(kind: str) -> list[str]:
    """Return the layers that take rows with such geometries, in the order of loading; those with any for a mixture."""
    wanted = _OF_SHAPE.get(kind, frozenset(TARGETS) - _OF_SHAPE[""])
    return [layer for layer in TARGETS if layer in wanted]


def _label(sample: Sample, path: Path) -> str:
    """Return the names that speak for what a part holds: of the file and its folder, the member, layer or sheet."""
    part = sample.part
    pieces = (path.parent.name, path.stem, part.member, part.inner_layer, part.sheet)
    return " ".join(Path(piece).stem if piece == part.member else piece for piece in pieces if piece)


def _by_label(scores: _Scores, label: str) -> None:
    for layer, entry in guesses().layers.items():
        if word := mentions(label, entry.words):
            scores.add(layer, 5 + 0.1 * len(word), f'its name says "{word}"')


def _by_values(scores: _Scores, column: Column) -> None:
    if column.listed and column.kind == "text":
        for layer, entry in guesses().layers.items():
            word = mentions(column.listed[0][0], entry.words)
            if word and sum(count for value, count in column.listed if mentions(value, entry.words)) > column.filled / 2:
                scores.add(layer, 2.5, f'"{word}" in {column.name}')
    if column.identifies:
        _by_codes(scores, column)


def _by_codes(scores: _Scores, column: Column) -> None:
    text = column.examples
    if all(_DISTRICT_CODE.fullmatch(code) for code in text) and _looks_like_a_division(text):
        for layer, length in guesses().areas.code_lengths.items():
            if column.common_length == length:
                scores.add(layer, 8, f"codes of {length} characters in {column.name}")
    if column.common_length in {16, 17} and all(code.isdecimal() and _is_cover(code) for code in text):
        scores.add("manhole_covers", 8, f"classes of covers in the codes of {column.name}")
    if column.common_length == 20 and all(_CAMERA_CODE.fullmatch(code) for code in text):
        scores.add("cameras", 6, f"codes of GB/T 28181 in {column.name}")


def _looks_like_a_division(codes: tuple[str, ...]) -> bool:
    """Say whether codes begin with a province of China's register (11 to 65) and are not just any numbers."""
    return all(code[:2].isdecimal() and 11 <= int(code[:2]) <= 65 for code in codes)


def _is_cover(code: str) -> bool:
    minor = code[6:10] if len(code) == 16 else code[6:11]
    return any(item.code == minor and item.is_cover for item in component_classes().values())


def _by_columns(scores: _Scores, sample: Sample) -> None:
    for layer in scores.reasons:
        found = [name for name in _distinctive(layer) if _has(sample, guesses().names_of(layer)[name])]
        scores.add(layer, 1.2 * len(found), f"columns like {', '.join(found)}" if found else "")
        named = sum(mentions(column.name, guesses().layers[layer].words) is not None for column in sample.columns)
        scores.add(layer, min(named, 2) * 1.5, "its words in the names of columns" if named else "")


def _distinctive(layer: str) -> list[str]:
    return [name for name in guesses().names_of(layer) if name not in _GENERIC]


def _has(sample: Sample, words: tuple[str, ...]) -> bool:
    return any(best_match(column.name, words).score >= 70 for column in sample.columns if column.filled)


def _by_size(scores: _Scores, sample: Sample) -> None:
    shapes = sample.shapes
    if shapes is None or not shapes.median_area:
        return
    if shapes.median_area < _HOUSE_M2:
        scores.add("buildings", 3, f"polygons of {shapes.median_area:,.0f} m²")
        return
    rows = len(shapes.centres)
    level = "districts" if rows == 1 else "streets" if rows <= 40 else "communities" if rows <= 200 else "grids"
    scores.add(level, 1, f"{rows:,} polygon{'s' if rows != 1 else ''} of {_size(shapes.median_area)}")


def _size(area_m2: float) -> str:
    return f"{area_m2 / 1e6:,.1f} km²" if area_m2 >= 1e6 else f"{area_m2:,.0f} m²"


def _best(scores: _Scores, enough: float) -> LayerGuess | None:
    (layer, points), *rest = scores.points.most_common()
    if points < enough:
        return None
    second, next_points = rest[0] if rest else ("", 0)
    return LayerGuess(layer, tuple(scores.reasons[layer]), points >= _ENOUGH_ELSE and points - next_points >= _CLEAR, second)
