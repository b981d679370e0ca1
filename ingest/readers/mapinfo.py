"""MapInfo TAB and MIF made ready for GDAL: with a character set that fits their bytes."""

from __future__ import annotations

import re
from pathlib import Path

from gisgrid.errors import SourceError
from ingest.readers.dbf import Dbf, sidecar
from ingest.readers.encoding import Decided, Told, codec
from ingest.readers.survey import survey
from ingest.readers.workspace import RECODED, Workspace

_CHARSET = re.compile(rb"""(!?\bcharset\s+)"?([\w-]+)"?""", re.IGNORECASE)
_FIELDS = re.compile(rb"\bFields\s+\d+\s*\n((?:.*;\s*\n)*)", re.IGNORECASE)
_NAMES = {
    "utf-8": "UTF-8", "gb18030": "WindowsSimpChinese", "big5": "WindowsTradChinese", "cp932": "WindowsJapanese", "cp949": "WindowsKorean",
    "cp1250": "WindowsLatin2", "cp1251": "WindowsCyrillic", "cp1252": "WindowsLatin1", "cp1253": "WindowsGreek",
}  # fmt: skip
_HEAD_BYTES = 4096


def ready_mapinfo(path: Path, declared: str | None, workspace: Workspace) -> tuple[Path, Decided]:
    """Return the .tab or .mif that GDAL is to read in the place of ``path``, and what its text was decided to be in.

    Where the character set that it names does not fit, a copy in the workspace names the right one. Raises
    SourceError when a part is missing.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    named = _CHARSET.search(head)
    charset = named[2].decode("ascii", "replace") if named else "Neutral"
    told = None if charset.lower() == "neutral" else Told(codec(charset, path), f"its charset ({charset})")
    decided = _decided(path, declared, told)
    if told is not None and decided.codec == told.codec:
        return path, decided
    if decided.codec not in _NAMES:
        raise SourceError(f"{path} cannot be read as {decided.codec}.", f"MapInfo files can be in {', '.join(_NAMES)}.")
    return _renamed(path, _NAMES[decided.codec], workspace), decided


def count_records(path: Path) -> int:
    """Return how many records the table beside a .tab or .mif holds; 0 without one."""
    if path.suffix.lower() == ".tab":
        table = sidecar(path, ".dat")
        return Dbf(table, "latin-1").count() if table else 0
    table = sidecar(path, ".mid")
    if table is None:
        return 0
    with table.open("rb") as file:
        return sum(1 for line in file if line.strip())


def _decided(path: Path, declared: str | None, told: Told | None) -> Decided:
    if path.suffix.lower() == ".tab":
        table = sidecar(path, ".dat")
        if table is None:
            raise SourceError(f"{path} has no .dat beside it.", "Ask for all parts: .tab, .dat, .map, .id.")
        fields = _FIELDS.search(path.read_bytes())
        types = [line.split()[1:2] for line in fields[1].splitlines() if line.strip()] if fields else []
        chars = frozenset(place for place, kind in enumerate(types) if kind and kind[0].lower().startswith(b"char"))
        return Dbf(table, declared, told, chars).decided
    table = sidecar(path, ".mid")
    decided = survey(table, declared, told).decided if table else Decided(told.codec if told else "utf-8", "")
    return decided._replace(codec=decided.codec.removesuffix("-sig"))


def _renamed(path: Path, charset: str, workspace: Workspace) -> Path:
    """Write the header anew with another character set, and link what lies beside it."""
    folder = workspace.folder / RECODED
    folder.mkdir(exist_ok=True)
    for beside in path.parent.iterdir():
        if beside.stem == path.stem and beside != path:
            (folder / beside.name).symlink_to(beside.resolve())
    copy = folder / path.name
    with path.open("rb") as source, copy.open("wb") as target:
        head = source.read(_HEAD_BYTES)
        target.write(_CHARSET.sub(lambda found: found[1] + (b'"%s"' if b'"' in found[0] else b"%s") % charset.encode(), head))
        while block := source.read(1 << 20):
            target.write(block)
    return copy
