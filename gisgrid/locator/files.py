"""A locator as one file: all that was computed for it, ready to be mapped into memory and shared by processes."""

from __future__ import annotations

import mmap
import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from gisgrid import __version__
from gisgrid.errors import SourceError
from gisgrid.locator.areas import AreaIndex, AreaState
from gisgrid.locator.arrays import Buffer, header_size, pack, read_about, unpack
from gisgrid.locator.boundary import Boundary, BoundaryState
from gisgrid.locator.edges import Flags
from gisgrid.locator.hierarchy import Hierarchy
from gisgrid.types import LEVELS, Bounds, Level, ResponsibleUnit

_FIRST_BYTES = 64


class About(NamedTuple):
    """Where the areas of a locator come from: version of the data in the change feed, and when they were read; None: not known."""

    data_version: int | None = None
    made_at: datetime | None = None


class Contents(NamedTuple):
    """What a locator is made of."""

    hierarchy: Hierarchy
    boundary: Boundary
    roles: Mapping[tuple[Level, str], ResponsibleUnit]
    doubt_m: float
    about: About


class Summary(NamedTuple):
    """What the header of a locator's file tells: areas by level, the box around the grids (None without any), responsible units."""

    about: About
    areas: dict[str, int]
    bounds: Bounds | None
    roles: int
    doubt_m: float
    gisgrid: str


class _RolesState(NamedTuple):
    """The responsible units: level and code of the area, code and name of the unit, and the level it was named for."""

    level: tuple[str, ...]
    area: tuple[str, ...]
    code: tuple[str, ...]
    name: tuple[str, ...]
    unit_level: tuple[str, ...]


class _State(NamedTuple):
    """All of a locator as flat arrays; ``trusted`` is that of ``Hierarchy``, one level after the other."""

    district: AreaState
    street: AreaState
    community: AreaState
    grid: AreaState
    trusted: Flags
    boundary: BoundaryState
    roles: _RolesState
    doubt_m: float


def to_bytes(contents: Contents) -> bytearray:
    """Return a locator as bytes."""
    hierarchy, boundary, roles, doubt_m, _ = contents
    units = [(level, area, *unit) for (level, area), unit in roles.items()]
    columns = tuple(zip(*units, strict=True)) if units else ((),) * len(_RolesState._fields)
    district, street, community, grid = (hierarchy.levels[level].state for level in LEVELS)
    trusted = np.concatenate([np.zeros(0, bool), *hierarchy.trusted])
    state = _State(district, street, community, grid, trusted, boundary.state, _RolesState(*columns), float(doubt_m))
    return pack(state, _summary_document(contents))


def from_bytes(buffer: Buffer, name: str = "The locator") -> Contents:
    """Return the locator in bytes, with arrays that are views of them; raises SourceError, calling the bytes ``name``."""
    state, document = unpack(_State, buffer, name)
    levels: dict[Level, AreaIndex] = {level: AreaIndex.from_state(getattr(state, level)) for level in LEVELS}
    hierarchy = Hierarchy(levels, _per_level(levels, state.trusted))
    boundary = Boundary.from_state(levels["grid"].edges, state.boundary)
    rows = zip(*state.roles, strict=True)
    roles = {(cast(Level, level), area): ResponsibleUnit(code, unit, cast(Level, of)) for level, area, code, unit, of in rows}
    return Contents(hierarchy, boundary, roles, state.doubt_m, _about(document))


def write(contents: Contents, path: Path) -> None:
    """Write a locator to a file, which appears whole or not at all; raises SourceError when that cannot be."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}.draft")
    try:
        with draft.open("xb") as file:
            file.write(to_bytes(contents))
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        raise SourceError(
            f"{path} cannot be written: {error.strerror or error}.", "Give a file in a folder that can be written to."
        ) from None
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)


def read(path: Path) -> Contents:
    """Return the locator in a file, which is mapped into memory and not copied; raises SourceError when it cannot be used."""
    return from_bytes(_mapped(path), str(path))


def describe(path: Path) -> Summary:
    """Return what the header of a file tells, without reading the rest; raises SourceError when it is no file of a locator."""
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            first = file.read(_FIRST_BYTES)
            first += file.read(min(header_size(first), size) - len(first)) if len(first) == _FIRST_BYTES else b""
    except OSError as error:
        raise _unreadable(path, error) from None
    document = read_about(first, str(path), size)
    bounds = document["bounds"]
    return Summary(
        _about(document),
        document["areas"],
        None if bounds is None else Bounds(*bounds),
        document["roles"],
        document["doubt_m"],
        document["gisgrid"],
    )


def bounds_of(index: AreaIndex) -> Bounds | None:
    """Return the box around all areas of a level, degrees; None when none has a shape."""
    west, south, east, north = index.boxes
    shaped = west <= east
    if not shaped.any():
        return None
    return Bounds(float(west[shaped].min()), float(south[shaped].min()), float(east[shaped].max()), float(north[shaped].max()))


def _mapped(path: Path) -> Buffer:
    """Return the bytes of a file as a read-only map of it."""
    try:
        with path.open("rb") as file:
            # A map of nothing cannot be made; what is wrong with an empty file is told where its header is read.
            if not os.fstat(file.fileno()).st_size:
                return b""
            found: NDArray[np.uint8] = np.frombuffer(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ), np.uint8)
            return found
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from None


def _unreadable(path: Path, error: Exception) -> SourceError:
    if isinstance(error, FileNotFoundError):
        return SourceError(f"There is no file {path}.", "Make it with `gisgrid locator save` or Locator.save.")
    if isinstance(error, IsADirectoryError):
        return SourceError(f"{path} is a folder.", "Give a file that `gisgrid locator save` or Locator.save has made.")
    return SourceError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}.", "Give a file that can be read.")


def _per_level(levels: Mapping[Level, AreaIndex], trusted: Flags) -> list[Flags]:
    """Return the flags of ``Hierarchy.trusted``: those of the grids first, then of each level above that has areas but the last."""
    sizes = [len(levels[level]) for level in ("grid", "community", "street", "district")]
    sizes = [sizes[0], *(size for size in sizes[1:] if size)][:-1]
    return np.split(trusted, np.cumsum(sizes[:-1])) if sizes else []


def _summary_document(contents: Contents) -> dict[str, Any]:
    levels, about = contents.hierarchy.levels, contents.about
    bounds = bounds_of(levels["grid"])
    return {
        "data_version": about.data_version,
        "made_at": (about.made_at or datetime.now(UTC)).isoformat(),
        "gisgrid": __version__,
        "areas": {level: len(levels[level]) for level in LEVELS},
        "bounds": None if bounds is None else list(bounds),
        "roles": len(contents.roles),
        "doubt_m": float(contents.doubt_m),
    }


def _about(document: Mapping[str, Any]) -> About:
    made_at = document["made_at"]
    return About(document["data_version"], None if made_at is None else datetime.fromisoformat(made_at))
