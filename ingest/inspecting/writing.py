"""The TOML of a source description, with comments that say why each line is there and what is left to fill in."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from gisgrid.errors import SourceError
from ingest.inspecting.mapping import Entry
from ingest.inspecting.proposal import Inspected, Proposal
from ingest.targets import target

_WIDTH = 130
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_MOST_COLUMNS = 40
_HEAD = """\
# A start that `gisgrid ingest inspect` has written from the first rows of files: read it before you load.
# Lines with FILL IN need somebody who knows the data. docs/ingest.md explains every key.
"""


def description(parts: Iterable[Inspected], path_of: Callable[[Path], str], unread: Iterable[SourceError] = ()) -> str:
    """Return the text of a source description with a source for each proposal; ``path_of`` tells how it is to name a file.

    Files and parts that could not be read are named in a comment.
    """
    blocks = [_HEAD, *(_comment(f"Not read: {error.message} {error.hint}") for error in unread)]
    taken: set[str] = set()
    for part in parts:
        if part.why_not:
            blocks.append(_comment(f"{part.sample.part.label}: {part.why_not}"))
        for proposal in part.proposals:
            renamed = _renamed(proposal, taken)
            taken.add(renamed.source_id)
            blocks.append(_source(path_of(part.path), part, renamed))
    return "\n".join(blocks)


def _renamed(proposal: Proposal, taken: set[str]) -> Proposal:
    number, name = 2, proposal.source_id
    while name in taken:
        name = f"{proposal.source_id}-{number}"
        number += 1
    return proposal._replace(source_id=name)


def _source(path: str, part: Inspected, proposal: Proposal) -> str:
    guess = proposal.guess
    why = f"{part.sample.part.label}: {_count(part)} for {guess.layer}, because {'; '.join(guess.reasons)}."
    lines = [_comment(why)]
    if doubt := proposal.open.get("layer"):
        lines.append(_comment(f"FILL IN: {doubt}."))
    lines += ["[[sources]]", f"id = {toml(proposal.source_id)}", f"layer = {toml(guess.layer)}", f"path = {toml(path)}"]
    lines += [_line(entry) for entry in proposal.keys]
    lines += ["", "[sources.fields]", *(_line(entry) for entry in proposal.fields)]
    filled = {entry.key for entry in proposal.fields if entry.value is not None}
    if empty := [name for name in target(guess.layer).all_fields if name not in filled | {"scheme", "edition"}]:
        lines.append(_comment(f"Nothing found for: {', '.join(empty)}."))
    if proposal.unused:
        more = f" and {len(proposal.unused) - _MOST_COLUMNS} more" if len(proposal.unused) > _MOST_COLUMNS else ""
        lines.append(_comment(f"Columns not used: {', '.join(proposal.unused[:_MOST_COLUMNS])}{more}."))
    return "\n".join(lines) + "\n"


def _count(part: Inspected) -> str:
    sample = part.sample
    rows = f"{sample.rows:,} row{'s' if sample.rows != 1 else ''}"
    return rows if sample.is_whole else f"the first {rows}"


def _line(entry: Entry) -> str:
    """Return one line, with what is to be filled in as a comment above it and why it is so behind it."""
    above = [_comment(f"FILL IN: {entry.open}.")] if entry.open else []
    if entry.value is None:
        text = f"# {entry.key} = {toml(entry.example)}" if entry.open else _comment(f"{entry.key}: {entry.remark}")
        return "\n".join([*above, text])
    text = f"{entry.key} = {toml(entry.value)}"
    if entry.remark and len(text) + len(entry.remark) + 3 <= _WIDTH:
        text += f" # {_plain(entry.remark)}"
    elif entry.remark:
        above.append(_comment(entry.remark))
    return "\n".join([*above, text])


def _comment(text: str) -> str:
    return textwrap.fill(_plain(text), _WIDTH, initial_indent="# ", subsequent_indent="# ", break_long_words=False, break_on_hyphens=False)


def _plain(text: str) -> str:
    """Return text that can stand in a comment: without line breaks and control characters."""
    return "".join(character if character.isprintable() else " " for character in text)


def toml(value: Any) -> str:
    r"""Return a value as TOML on one line.

    >>> toml({"field": "a b", "values": {"完好": "intact"}, "slice": [6, 10]})
    '{ field = "a b", values = { "完好" = "intact" }, slice = [6, 10] }'
    """
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_key(key)} = {toml(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(toml(item) for item in value) + "]"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return json.dumps(value)


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else toml(key)
