"""Which generator made a sample: a number, and a digest of everything that its output depends on."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from gisgrid import paths
from ingest.sample.gazetteer import place_names_file
from ingest.sample.plan import DISTRICT_CODE, GENERATOR_VERSION


@cache
def generator_version() -> str:
    """Return the version of the generator; it differs when its code, its words, the divisions or the source description differ."""
    data = paths.data_dir()
    sources = sorted(Path(__file__).parent.glob("*.py"))
    sources += [data / "names" / name for name in ("names.toml", place_names_file())]
    sources += [data / "codes" / f"divisions_{DISTRICT_CODE}.csv", data / "sources" / "sample.toml"]
    digest = hashlib.sha256()
    for path in sources:
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return f"{GENERATOR_VERSION}-{digest.hexdigest()[:12]}"
