"""A description file read, with every mistake in it named by file, source and key."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from gisgrid.errors import GisgridError, SourceError
from ingest.description.sources import Description


def load_description(path: Path) -> Description:
    """Return the description in the TOML file at ``path``.

    Raises SourceError that names the file, the source and the key of every mistake.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SourceError(f"There is no source description {path}.", "Give the path of a TOML file; data/sources holds examples.") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SourceError(f"The source description {path} cannot be read: {error}.", "It must be TOML in UTF-8.") from error
    try:
        return Description.model_validate(content)
    except ValidationError as error:
        problems = "; ".join(_problems(error, content))
        raise SourceError(f"The source description {path} cannot be used: {problems}.", "docs/ingest.md lists the keys.") from error
    except GisgridError as error:
        raise SourceError(f"The source description {path} cannot be used: {error.message}") from error


def _problems(error: ValidationError, content: dict[str, Any]) -> Iterator[str]:
    """Yield what is wrong with each key, with the source called by its id."""
    for item in error.errors():
        place = [str(part) for part in item["loc"]]
        if len(item["loc"]) > 1 and item["loc"][0] == "sources" and isinstance(item["loc"][1], int):
            place = [f"source {_name(content, item['loc'][1])}", *place[2:]]
        message = item["msg"].removeprefix("Value error, ")
        yield f"{' / '.join(place)}: {message}" if place else message


def _name(content: dict[str, Any], number: int) -> str:
    """Return the id of a source in the raw TOML, or its number when it has none."""
    entry = content["sources"][number]
    return repr(entry["id"]) if isinstance(entry, dict) and "id" in entry else f"number {number + 1}"
