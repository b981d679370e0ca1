"""The TOML of a deployment for a new city, from what its files show: extent, levels of areas, patterns of codes, classes of covers."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from typing import Any

import numpy as np
from pydantic import ValidationError

from gisgrid.codes import component_classes
from gisgrid.crs import parse_crs
from gisgrid.deployment import GENERIC, Deployment
from gisgrid.errors import SourceError
from gisgrid.types import LEVELS, Level
from ingest.inspecting.columns import MAX_LISTED, Column
from ingest.inspecting.covers import kind_of
from ingest.inspecting.deployed import in_wgs84
from ingest.inspecting.mapping import columns_of
from ingest.inspecting.parents import texts
from ingest.inspecting.patterns import pattern_of
from ingest.inspecting.proposal import Inspected, Proposal
from ingest.inspecting.writing import toml
from ingest.targets import target

_MARGIN = 0.1
_LEAST_MARGIN_DEG = 0.01
_PERCENT = 0.5

Box = tuple[float, float, float, float]


def deployment_text(name: str, parts: Sequence[Inspected]) -> str:
    """Return the TOML of a deployment called ``name``; raises SourceError when no part has a position that can be placed."""
    lines = [
        "# The rules of a new city, written by `gisgrid ingest inspect`: read them before you load. docs/settings.md explains every key.",
        f"id = {toml(name)}",
        f"title_en = {toml(name.replace('_', ' ').replace('-', ' ').title())}",
        "# A position outside is taken for a mistake: the extent of the files, with a margin.",
        f"bounds = {toml(list(bounds(parts)))}",
        '# attribution = "© ..." # what maps of the data must say',
    ]
    if crs := _projected(parts):
        lines.append(f"projected_crs = {toml(crs)}")
    for level in LEVELS:
        lines += _area_lines(level, parts)
    lines += _component_lines(name, parts)
    return "\n".join(lines) + "\n"


def deployment_of(text: str) -> Deployment:
    """Return the deployment that ``text`` describes; raises SourceError when what was guessed does not make one."""
    try:
        return Deployment.model_validate(tomllib.loads(text))
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise SourceError(f"No deployment could be made of what the files show: {error}.", "Write one: docs/settings.md.") from error


def bounds(parts: Sequence[Inspected]) -> Box:
    """Return west, south, east, north of the positions of all parts whose coordinate system is known, with a margin, in degrees.

    Rows far from the others do not count: they are bad. Areas decide alone, where there are any.
    Raises SourceError when there is nothing to go by.
    """
    areas = [part for part in parts if any(target(proposal.guess.layer).level for proposal in part.proposals)]
    loadable = [part for part in parts if part.proposals]
    boxes = [box for part in areas or loadable if (box := _box(part)) is not None]
    if not boxes:
        raise SourceError(
            "The bounds of the new city cannot be told: no file has positions in a coordinate system that is known.",
            "Add a file that says its coordinate system, or name it with --crs.",
        )
    west, south = np.min([box[:2] for box in boxes], axis=0)
    east, north = np.max([box[2:] for box in boxes], axis=0)
    x, y = max(_MARGIN * (east - west), _LEAST_MARGIN_DEG), max(_MARGIN * (north - south), _LEAST_MARGIN_DEG)
    box = (max(west - x, -180), max(south - y, -90), min(east + x, 180), min(north + y, 90))
    return tuple(round(float(edge), 3) for edge in box)  # type: ignore[return-value]


def _box(part: Inspected) -> Box | None:
    if part.place is None or part.system is None:
        return None
    seen = in_wgs84(part.place, part.system)
    if not len(seen):
        return None
    low, high = np.percentile(seen, [_PERCENT, 100 - _PERCENT], axis=0)
    around = np.maximum(high - low, _LEAST_MARGIN_DEG)  # what is further away than the city is large is a mistake
    near = seen[((seen >= low - around) & (seen <= high + around)).all(axis=1)]
    (west, south), (east, north) = near.min(axis=0), near.max(axis=0)
    return float(west), float(south), float(east), float(north)


def _projected(parts: Sequence[Inspected]) -> str | None:
    """Return the first projected coordinate system that a file is in."""
    named = (part.system.name for part in parts if part.system is not None and part.system.name is not None)
    return next((crs.name for crs in map(parse_crs, named) if crs.is_projected), None)


def _area_lines(level: Level, parts: Sequence[Inspected]) -> list[str]:
    found = [(part, proposal) for part in parts for proposal in part.proposals if target(proposal.guess.layer).level == level]
    if not found:
        return []
    codes = [code for part, proposal in found for code in texts(part, proposal, "code")]
    lines = ["", f"[areas.{level}]", *_pattern_line(codes)]
    pairs = [pair for part, proposal in found for pair in _with_parent(part, proposal)]
    if pairs and all(code.startswith(parent) for code, parent in pairs):
        lines.append("parent_is_prefix = true")
    return lines


def _pattern_line(codes: Sequence[str]) -> list[str]:
    pattern = pattern_of(codes)
    return [f"code_pattern = {_literal(pattern)}"] if pattern != ".+" else []


def _literal(pattern: str) -> str:
    """Return a regular expression as TOML, in single quotes where it can be, so that its backslashes stand as they are."""
    return toml(pattern) if "'" in pattern else f"'{pattern}'"


def _with_parent(part: Inspected, proposal: Proposal) -> list[tuple[str, str]]:
    codes, parents = texts(part, proposal, "code"), texts(part, proposal, "parent_code")
    return list(zip(codes, parents, strict=True)) if len(codes) == len(parents) else []


def _component_lines(name: str, parts: Sequence[Inspected]) -> list[str]:
    found = [(part, proposal) for part in parts for proposal in part.proposals if proposal.guess.layer == "manhole_covers"]
    if not found:
        return []
    codes = [code for part, proposal in found for code in texts(part, proposal, "code")]
    lines = ["", "[components]", *_pattern_line(codes)]
    own = [part.sample.column(column) for part, proposal in found if (column := _own_class_column(proposal))]
    if own:
        return [*lines, *_own_classes(name, own)]
    schemes = dict.fromkeys(scheme for _, proposal in found if (scheme := _scheme(proposal)) is not None)
    listed = [{"scheme": scheme, "edition": edition} for scheme, edition in schemes if scheme != GENERIC.scheme]
    return [*lines, f"schemes = {toml(listed)}"] if listed else lines


def _own_class_column(proposal: Proposal) -> str:
    """Return the column whose words are classes of the city's own; empty when a scheme that ships has them."""
    if proposal.own_classes or _scheme(proposal) in {key[:2] for key in component_classes()}:
        return proposal.own_classes
    rule = next((entry.value for entry in proposal.fields if entry.key == "class_code"), None)
    return next(iter(columns_of(rule)), "")


def _scheme(proposal: Proposal) -> tuple[str, str] | None:
    scheme, edition = _constant(proposal, "scheme"), _constant(proposal, "edition")
    return (scheme, edition) if scheme is not None and edition is not None else None


def _constant(proposal: Proposal, field: str) -> str | None:
    rule: Any = next((entry.value for entry in proposal.fields if entry.key == field), None)
    return rule.get("constant") if isinstance(rule, dict) else None


def _own_classes(name: str, columns: Sequence[Column]) -> list[str]:
    """Return a scheme of the city's own, with a class for each word that its covers are called by."""
    said = list(dict.fromkeys(value for column in columns for value, _ in column.listed))[:MAX_LISTED]
    lines = [
        "",
        "# The city's own classes of covers. `kind` is the word for the same thing in every scheme (data/codes/component_classes.csv).",
        "[[components.schemes]]",
        f"scheme = {toml(name)}",
        "classes = [",
    ]
    for value in said:
        kind = kind_of(value)
        lines.append(f"    {toml({'code': value} | ({'kind': kind} if kind else {}))},")
    if "unknown" not in said and any(column.share < 1 for column in columns):
        lines.append(f"    {toml({'code': 'unknown', 'kind': 'unknown'})},")
    lines.append("]")
    if "unknown" in said or any(column.share < 1 for column in columns):
        lines.append('default_class = "unknown"')
    return lines
