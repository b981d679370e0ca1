"""The tables that guesses are made from: data/inspect/guesses.toml."""

from __future__ import annotations

import tomllib
from functools import cache
from typing import Any

from pydantic import BaseModel, ConfigDict

from gisgrid import paths
from ingest.targets import target

Words = tuple[str, ...]
"""Words that mean one thing, the likeliest first."""


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class LayerWords(_Table):
    """The words in names and values that speak for a layer."""

    words: Words


class DateWords(_Table):
    """The formats that are tried on dates, and the texts that stand for no date."""

    formats: Words
    blank: Words


class BlankWords(_Table):
    """Texts that mean "nothing"."""

    words: Words


class AreaTables(_Table):
    """How many digits the codes of each layer of areas have, where they follow the national divisions."""

    code_lengths: dict[str, int]


class OsmSource(_Table):
    """A source that can be taken from one layer of an OpenStreetMap extract; ``fields`` as in a source description."""

    layer: str
    inner_layer: str
    where: dict[str, str]
    class_key: str | None = None
    fields: dict[str, Any]


class Guesses(_Table):
    """All the tables; the keys of ``fields`` are layers, ``areas`` for the four layers of areas."""

    layers: dict[str, LayerWords]
    fields: dict[str, dict[str, Words]]
    values: dict[str, dict[str, Words]]
    kinds: dict[str, Words]
    coordinates: dict[str, Words]
    systems: dict[str, Words]
    units: dict[str, Words]
    dates: DateWords
    blank: BlankWords
    areas: AreaTables
    osm: tuple[OsmSource, ...]

    def names_of(self, layer: str) -> dict[str, Words]:
        """Return for each field of ``layer`` the names that columns with it have."""
        return self.fields["areas" if target(layer).level else layer]


@cache
def guesses() -> Guesses:
    """Return the tables as they ship with gisgrid."""
    with (paths.data_dir() / "inspect" / "guesses.toml").open("rb") as file:
        return Guesses.model_validate(tomllib.load(file))
