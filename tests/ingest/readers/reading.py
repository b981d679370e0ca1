"""Helpers for tests of readers: open a file as a description would, and have all its rows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ingest.description import Source
from ingest.readers import Contents, RawBatch, open_source


@dataclass
class Read:
    """All that came out of a file."""

    contents: Contents
    batches: list[RawBatch]

    @property
    def rows(self) -> list[dict[str, Any]]:
        return [row for batch in self.batches for row in batch.rows(list(range(batch.size)))]

    @property
    def geom(self) -> list[Any]:
        return [shape for batch in self.batches for shape in (batch.geom if batch.geom is not None else [])]

    @property
    def broken(self) -> dict[int, str]:
        """Row number and reason of every row that cannot be read or whose geometry cannot be built."""
        found: dict[int, str] = {}
        for batch in self.batches:
            for position in range(batch.size):
                if batch.broken[position] or batch.unbuilt[position]:
                    reasons = {**batch.unbuilt_reasons, **batch.broken_reasons}
                    found[int(batch.numbers[position])] = reasons.get(position, "")
        return found

    @property
    def size(self) -> int:
        return sum(batch.size for batch in self.batches)


def source(**keys: Any) -> Source:
    """Return a description of a source with some keys, which takes what it is given."""
    fixed = {"code": {"constant": "A"}, "kind": {"constant": "fixed"}}
    where = {} if "connection" in keys else {"path": "any"}
    return Source.model_validate({"id": "any", "layer": "cameras", "fields": fixed, **where, **keys})


def read(path: Path, **keys: Any) -> Read:
    """Read a whole file through the front door; raises SourceError as a load would."""
    reader = open_source(source(**keys), path)
    return Read(reader.contents, list(reader.batches()))
