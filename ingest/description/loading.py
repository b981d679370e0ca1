"""A description file read, with every mistake in it named by file, source and key."""

from __future__ import annotations

import tomllib
from pathlib import Path

from pydantic import ValidationError

from gisgrid.errors import SourceError
from gisgrid.mistakes import problems
from ingest.description.sources import Description


def load_description(path: Path) -> Description:
    """Return the description in the TOML file at ``path``.

    Raises SourceError that names the file, the source and the key of every mistake.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise SourceError(f"There is no source description {path}.", "Give the path of a TOML file; data/sources holds examples.") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SourceError(f"The source description {path} cannot be read: {error}.", _hint(error)) from error
    try:
        return Description.model_validate(content, context={"folder": path.parent})
    except ValidationError as error:
        said = "; ".join(problems(error, Description, content))
        raise SourceError(f"The source description {path} cannot be used: {said}.", "docs/ingest.md lists the keys.") from error


def _hint(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "It must be TOML in UTF-8; save it again with that encoding."
    if isinstance(error, tomllib.TOMLDecodeError):
        return "It must be TOML: texts in quotes, paths with / (or in 'single quotes'), each source under [[sources]]."
    return "It must be TOML in UTF-8."
