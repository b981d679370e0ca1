"""A source of a description, as far as a sample tells it: what each line says and why, and what is left to fill in."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from gisgrid.deployment import Deployment
from gisgrid.types import LEVELS
from ingest.inspecting.covers import find_classes
from ingest.inspecting.deployed import misfits
from ingest.inspecting.fields import Choice, choose, choose_code, find_pair
from ingest.inspecting.layer import LayerGuess, guess_layer, possible_layers
from ingest.inspecting.mapping import Entry, columns_of, rule_for
from ingest.inspecting.places import Place, System, find_place, find_system, named_like_places, no_place
from ingest.inspecting.sample import Sample
from ingest.inspecting.tables import guesses
from ingest.targets import Target, target


class Proposal(NamedTuple):
    """A source that can be written: its lines, its fields, and the columns that nothing takes.

    ``own_classes`` is the column whose words are classes of covers that no scheme knows. ``doubts`` say what does not go
    together with the deployment.
    """

    source_id: str
    guess: LayerGuess
    keys: tuple[Entry, ...]
    fields: tuple[Entry, ...]
    unused: tuple[str, ...] = ()
    own_classes: str = ""
    doubts: tuple[str, ...] = ()

    @property
    def open(self) -> dict[str, str]:
        """What somebody who knows the data has to decide, by the line that it is about."""
        unsure = ("whether it is " + (f"this or {self.guess.next_best}" if self.guess.next_best else "this"),) * (not self.guess.is_sure)
        about = {"layer": "; ".join((*unsure, *self.doubts))} if unsure or self.doubts else {}
        return about | {entry.key: entry.open for entry in (*self.keys, *self.fields) if entry.open}


class Inspected(NamedTuple):
    """One part of the file at ``path``: what it shows and the sources that can be taken from it.

    ``why_not`` says why there is none.
    """

    path: Path
    sample: Sample
    place: Place | None
    system: System | None
    proposals: tuple[Proposal, ...]
    why_not: str = ""


class Request(NamedTuple):
    """What the user says of a file: its path, and a layer, encoding and coordinate system where they know better."""

    path: Path
    deployment: Deployment
    layer: str | None = None
    encoding: str | None = None
    crs: str | None = None


def inspect_sample(request: Request, sample: Sample) -> Inspected:
    """Return what can be made of one part of a file."""
    place = find_place(sample)
    system = find_system(sample, place, request.deployment, request.crs, _names(request, sample)) if place else None
    kind = place.kind if place else ""
    guess = LayerGuess(request.layer, ("as you said",), True) if request.layer else guess_layer(sample, request.path, kind)
    why_not = _why_not(sample, guess, kind)
    if guess is None or why_not:
        return Inspected(request.path, sample, place, system, (), why_not)
    return Inspected(request.path, sample, place, system, (_propose(request, sample, guess, place, system),))


def _why_not(sample: Sample, guess: LayerGuess | None, kind: str) -> str:
    if not sample.rows:
        return "It has no rows."
    if sample.contents.has_geometry and not kind:
        return "None of its rows has a geometry that can be used."
    if guess is not None:
        needs_place = target(guess.layer).geometry is not None and not kind
        return f"Rows of {guess.layer} need a place, and {no_place(sample)}." if needs_place else ""
    if not kind and named_like_places(sample):
        return f"It may have positions, but {no_place(sample)}."
    if not (possible := possible_layers(kind)):
        return f"Its geometries are of a kind ({kind}) that no layer takes."
    return f"Nothing says which layer its rows belong to: name it with --layer ({', '.join(possible)})."


def _names(request: Request, sample: Sample) -> str:
    return " ".join([request.path.stem, sample.part.label, *(column.name for column in sample.columns)])


def _propose(request: Request, sample: Sample, guess: LayerGuess, place: Place | None, system: System | None) -> Proposal:
    placed = place if target(guess.layer).geometry else None
    taken = frozenset(placed.coordinates.values()) if placed else frozenset()
    code = choose_code(guess.layer, sample.usable, taken) if _needs_code(target(guess.layer)) else None
    chosen = choose(guess.layer, sample.usable, taken | ({code.column.name} if code else frozenset()))
    lines = _field_lines(sample, target(guess.layer), code, chosen)
    own_classes = _add_classes(lines, request, sample, code, chosen) if guess.layer == "manhole_covers" else ""
    if target(guess.layer).level is not None:
        _complete_area(lines, target(guess.layer), code, request.deployment)
    fields = _in_order(lines, target(guess.layer))
    used = _columns_of(fields) | taken
    keys = (*layout_lines(sample, used), *system_lines(placed, system))
    unused = tuple(dict.fromkeys(column.name for column in sample.columns if column.filled and column.name not in used))
    doubts = tuple(misfits(request.deployment, target(guess.layer), code.column if code else None, placed, system))
    return Proposal(source_id(request.path, sample), guess, keys, fields, unused, own_classes, doubts)


def source_id(path: Path, sample: Sample) -> str:
    """Return a name for a source from those of the file, and of the member, layer or sheet in it."""
    part = sample.part
    pieces = [path.name.split(".")[0], Path(part.member).stem if part.member else "", part.inner_layer or "", part.sheet or ""]
    words = [re.sub(r"[^\w]+", "-", piece.lower()).strip("-_") for piece in pieces]
    return "-".join(dict.fromkeys(word for word in words if word))[:100] or "source"


def layout_lines(sample: Sample, used: frozenset[str]) -> list[Entry]:
    """Return the lines that say where in the file the rows are and how its text is written."""
    lines = [Entry(key, value) for key, value in sample.part.keys().items() if value is not None]
    encoding = sample.contents.encoding
    if sample.contents.is_recoded and encoding and encoding.lower().replace("_", "-") not in {"utf-8", "utf-8-sig", "utf8"}:
        lines.append(Entry("encoding", encoding, "look at the texts: are they right?"))
    if any(column.decimal_comma for column in sample.columns if column.name in used):
        lines.append(Entry("decimal", ",", "numbers are written 3,5"))
    return lines


def system_lines(place: Place | None, system: System | None) -> list[Entry]:
    """Return the lines that say where rows are: the coordinate system, and the columns of a table."""
    if place is None or system is None:
        return []
    lines = []
    remark = "; ".join(system.remarks)
    if system.is_known:
        lines.append(Entry("crs", system.crs, remark))
    else:
        lines.append(Entry("crs", None, "", f"the coordinate system. {remark}", system.crs or "EPSG:..."))
    if system.is_swapped and "wkt" not in place.coordinates and place.coordinates:
        first, second = place.coordinates
        swapped = {first: place.coordinates[second], second: place.coordinates[first]}
        return [*lines, Entry("coordinates", swapped, "by the numbers the names are the wrong way round")]
    if system.is_swapped:
        lines.append(Entry("axis_order", "yx", "the first coordinate is the latitude or northing"))
    if place.coordinates:
        lines.append(Entry("coordinates", place.coordinates))
    return lines


def _columns_of(fields: Iterable[Entry]) -> frozenset[str]:
    """Return the columns that rules read."""
    return frozenset(name for entry in fields for name in columns_of(entry.value))


def _field_lines(sample: Sample, goal: Target, code: Choice | None, chosen: dict[str, Choice]) -> dict[str, Entry]:
    """Return the lines for the key and for the fields that columns were chosen for."""
    lines = {name: rule_for(goal.all_fields[name], choice.column, choice.reason) for name, choice in chosen.items()}
    if _needs_code(goal):
        lines["code"] = _code_line(sample, code)
    return lines


def _add_classes(lines: dict[str, Entry], request: Request, sample: Sample, code: Choice | None, chosen: dict[str, Choice]) -> str:
    """Add the lines for the classes of covers; return the column with words that no scheme knows, if there is one."""
    kind, name = (chosen[field].column if field in chosen else None for field in ("class_code", "name"))
    found = find_classes(sample, code.column if code else None, kind, name, request.deployment)
    lines.update({entry.key: entry for entry in found.lines})
    return found.own_in


def _in_order(lines: dict[str, Entry], goal: Target) -> tuple[Entry, ...]:
    """Return the lines in the order of the layer's fields, with something for every field that each row needs."""
    for field in goal.fields:
        if field.required and field.name not in lines and field.name not in {"scheme", "edition"}:
            lines[field.name] = _stand_in(field.name, field.allowed)
    order = [*goal.all_fields, "scheme", "edition"]
    return tuple(sorted(lines.values(), key=lambda entry: order.index(entry.key)))


def _needs_code(goal: Target) -> bool:
    """Say whether rows need a code of their own; where they do not, gisgrid makes one."""
    return "code" in goal.all_fields and goal.all_fields["code"].required


def _code_line(sample: Sample, code: Choice | None) -> Entry:
    if code is not None:
        doubt = "" if code.score >= 50 else "whether this column is the key: it must stay the same from delivery to delivery"
        return Entry("code", code.column.name, code.reason, doubt)
    if pair := find_pair(sample):
        first, second = (column.name for column in pair)
        doubt = "whether these two columns together are the key: it must stay the same from delivery to delivery"
        return Entry("code", {"expression": f"concat(col('{first}'), '-', col('{second}'))"}, "no column alone tells rows apart", doubt)
    columns = [column for column in sample.usable if column.filled and column.kind not in {"date", "boolean"}]
    best = max(columns, key=lambda column: (column.share * column.uniqueness, column.uniqueness), default=None)
    if best is None:
        return Entry("code", {"constant": "-"}, "", "the file has no column that could be a key; ask for one")
    count = f"{best.distinct:,} values in {best.rows:,} rows"
    doubt = f"no column tells all rows apart; this one has {count}, and of rows with the same value only the first is loaded"
    return Entry("code", best.name, "", doubt)


def _complete_area(lines: dict[str, Entry], goal: Target, code: Choice | None, deployment: Deployment) -> None:
    """Add a name and a parent to areas that have none of their own."""
    if "name" not in lines:
        lines["name"] = Entry("name", lines["code"].value, "no column looks like a name")
    above = [level for level in deployment.levels if goal.level and LEVELS.index(level) < LEVELS.index(goal.level)]
    if not above:
        lines.pop("parent_code", None)  # the deployment has no level that it could name
        return
    lengths = guesses().areas.code_lengths
    digits = {"district": "districts", "street": "streets", "community": "communities"}[above[-1]]
    if "parent_code" in lines:
        return
    if code is not None and code.column.common_length == lengths.get(goal.id):
        rule = {"field": code.column.name, "slice": [0, lengths[digits]]}
        lines["parent_code"] = Entry("parent_code", rule, f"the first {lengths[digits]} characters of the code name the {above[-1]}")
    else:
        doubt = f"the code of the {above[-1]} that the area is in; no column looks like it"
        lines["parent_code"] = Entry("parent_code", None, "", doubt, "COLUMN")


def _stand_in(name: str, allowed: tuple[str, ...]) -> Entry:
    """Return a line that lets rows be loaded though no column gives a field that every row needs."""
    if not allowed:
        return Entry(name, {"constant": "-"}, "no column looks like it", f"where {name} comes from")
    return Entry(name, {"constant": allowed[0]}, "no column looks like it", f"what it is; allowed: {', '.join(allowed)}")
