"""OpenStreetMap extracts: one layer of them holds rows for several sources, told apart by tags."""

from __future__ import annotations

import pyarrow.compute as pc

from gisgrid.deployment import GENERIC, Deployment
from ingest import values
from ingest.inspecting.deployed import misfits
from ingest.inspecting.layer import LayerGuess
from ingest.inspecting.mapping import Entry
from ingest.inspecting.places import find_place, find_system
from ingest.inspecting.proposal import Inspected, Proposal, Request, layout_lines, source_id, system_lines
from ingest.inspecting.sample import Sample
from ingest.inspecting.tables import OsmSource, guesses
from ingest.mapping import tag
from ingest.targets import target

_TAGS = "other_tags"
_SCHEME = ("OSM manhole", "2020")


def inspect_extract(request: Request, sample: Sample) -> Inspected:
    """Return the sources that can be taken from one layer of an extract: those whose tags its rows have."""
    place = find_place(sample)
    system = find_system(sample, place, request.deployment, request.crs, "") if place else None
    wanted = [item for item in guesses().osm if item.inner_layer == sample.part.inner_layer and request.layer in {None, item.layer}]
    counts = {item.layer: _rows_with(sample, item) for item in wanted}
    seen = Inspected(request.path, sample, place, system, ())
    proposals = tuple(_propose(request, seen, item, counts[item.layer]) for item in wanted if counts[item.layer])
    return seen._replace(proposals=proposals, why_not="" if proposals else "None of its rows has tags that a layer takes.")


def _rows_with(sample: Sample, item: OsmSource) -> int:
    """Return how many rows have the tags of a source."""
    table = sample.table
    keep = None
    for key, wanted in item.where.items():
        column = table.column(key) if key in table.column_names else tag(values.one_chunk(table.column(_TAGS)), key)
        has = pc.is_valid(column) if wanted == "*" else pc.fill_null(pc.equal(column, wanted), False)
        keep = has if keep is None else pc.and_(keep, has)
    return int(pc.sum(keep).as_py() or 0) if keep is not None else 0


def _propose(request: Request, seen: Inspected, item: OsmSource, count: int) -> Proposal:
    sample, place, system = seen.sample, seen.place, seen.system
    tags = ", ".join(f"{key}={value}" for key, value in item.where.items())
    guess = LayerGuess(item.layer, (f"{count:,} of the {sample.rows:,} rows read have {tags}",), True)
    keys = (*layout_lines(sample, frozenset()), Entry("where", item.where), *system_lines(None, system))
    lines = {name: Entry(name, rule) for name, rule in item.fields.items()}
    if item.layer == "manhole_covers":
        lines |= {entry.key: entry for entry in _class_lines(item, request.deployment)}
    doubts = tuple(misfits(request.deployment, target(item.layer), None, place, system)) if place else ()
    return Proposal(f"{source_id(request.path, sample)}-{item.layer}", guess, keys, tuple(lines.values()), doubts=doubts)


def _class_lines(item: OsmSource, deployment: Deployment) -> list[Entry]:
    """Return the lines for the classes of covers: as they are where the deployment has their scheme or none of its own."""
    ours = {(scheme.scheme, scheme.edition) for scheme in deployment.components.schemes}
    if _SCHEME in ours or ours == {(GENERIC.scheme, GENERIC.edition)}:
        return [Entry("scheme", {"constant": _SCHEME[0]}), Entry("edition", {"constant": _SCHEME[1]})]
    scheme = {"scheme": _SCHEME[0], "edition": _SCHEME[1]}
    return [Entry("class_code", {"field": item.class_key, "crosswalk": scheme}, f"as classes of {deployment.id!r}")]
