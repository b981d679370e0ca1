"""A locator kept in a file: the same answers, the same attributes, shared memory, and a clear word about any other file."""

from __future__ import annotations

import pickle
import random
import struct
import subprocess
import sys
import zlib
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import shapely
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from gisgrid.errors import SourceError
from gisgrid.locator import About, AreaIndex, AreaTable, Locator, describe
from gisgrid.locator.arrays import FORMAT, MAGIC, pack, unpack
from gisgrid.locator.boundary import Boundary
from gisgrid.types import Bounds, ResponsibleUnit
from tests.locator.drawing import drawn
from tests.locator.towns import Town, places, towns

GRIDS = drawn("""
    A A B B
    A A B .
    C C D D
""")
ROLES = {("grid", "A"): ResponsibleUnit("U1", "清洁 crew", "grid")}


def small() -> Locator:
    index = {"grid": AreaIndex(GRIDS)}
    return Locator.from_indices(index, ROLES, 0.75, About(41, datetime(2026, 11, 22, 3, 0, tzinfo=UTC)))  # type: ignore[arg-type]


def differences(one: Any, other: Any, path: str = "locator") -> list[str]:
    """Return where two objects differ, down to the bits of their arrays and the names of their attributes."""
    if type(one) is not type(other):
        return [f"{path}: {type(one).__name__} is not {type(other).__name__}"]
    members, others = _members(one), _members(other)
    if members is not None and others is not None and hasattr(one, "__dict__"):
        # What is made when it is first asked for is compared where both have it.
        lazy = {name for name in set(members) ^ set(others) if isinstance(getattr(type(one), name, None), cached_property)}
        members, others = ({name: part[name] for name in set(part) - lazy} for part in (members, others))
    if members is None or others is None:
        return [] if _is_same(one, other) else [f"{path}: {one!r} is not {other!r}"]
    if set(members) != set(others):
        return [f"{path}: {set(members) ^ set(others)}"]
    return [found for key in members for found in differences(members[key], others[key], f"{path}.{key}")]


def _members(value: Any) -> dict[Any, Any] | None:
    """Return what an object is made of; None where it is one piece."""
    if isinstance(value, dict):
        return value
    if isinstance(value, (tuple, list)):
        return dict(enumerate(value))
    return vars(value) if hasattr(value, "__dict__") and not callable(value) else None


def _is_same(one: Any, other: Any) -> bool:
    if isinstance(one, (np.ndarray, memoryview)):
        return _same_array(np.asarray(one), np.asarray(other))
    return callable(one) or repr(one) == repr(other)


def _same_array(one: Any, other: Any) -> bool:
    same = one.dtype == other.dtype and one.shape == other.shape
    if one.dtype == object:
        return bool(same and shapely.equals_exact(one, other).all())
    return bool(same and one.tobytes() == other.tobytes())


def reopened(locator: Locator, path: Path) -> Locator:
    locator.save(path)
    return Locator.open(path)


@settings(max_examples=40, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(towns(), st.integers(0, 1 << 32))
def test_what_is_opened_answers_every_point_as_what_was_saved(town: Town, seed: int) -> None:
    built = Locator.from_areas(town.tables, town.roles, 1.5)
    opened = Locator.from_bytes(built.to_bytes())
    lon, lat = places(town, seed, 50)
    for x, y in zip(lon.tolist(), lat.tolist(), strict=True):
        assert built.locate(x, y) == opened.locate(x, y)
        assert built.locate(x, y, 80.0) == opened.locate(x, y, 80.0)
    for one, other in zip(built.locate_many(lon, lat), opened.locate_many(lon, lat), strict=True):
        assert one is not None
        assert other is not None
        assert one.tobytes() == other.tobytes()
    assert built.grid_codes_at(lon, lat) == opened.grid_codes_at(lon, lat)
    assert built.outside_many(lon, lat) == opened.outside_many(lon, lat)


@settings(max_examples=40, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(towns())
def test_no_attribute_is_forgotten(town: Town) -> None:
    built = Locator.from_areas(
        town.tables,
        town.roles,
        0.5,
    )
    opened = Locator.from_bytes(built.to_bytes())
    opened.about = built.about  # when it was made is told only by what was kept
    assert differences(built, opened) == []


def test_a_difference_would_be_seen() -> None:
    one, other = small(), small()
    assert differences(one, other) == []
    other._hierarchy.grids.raster.cells[7] += 1
    assert differences(one, other) != []


def test_the_parts_that_are_made_when_first_asked_for_are_the_same_too() -> None:
    built, opened = small(), Locator.from_bytes(small().to_bytes())
    for locator in (built, opened):
        assert locator.locate(120.0015, 36.0015, 60.0).outside_share is not None
        assert locator.locate(120.9, 36.9).nearest is not None
    assert differences(built._hierarchy, opened._hierarchy) == []


def test_a_file_tells_where_its_data_come_from(tmp_path: Path) -> None:
    opened = reopened(small(), tmp_path / "a.locator")
    assert opened.about == About(41, datetime(2026, 11, 22, 3, 0, tzinfo=UTC))
    summary = describe(tmp_path / "a.locator")
    assert summary.about == opened.about
    assert summary.areas == {"district": 0, "street": 0, "community": 0, "grid": 4}
    assert summary.bounds == Bounds(120.0, 36.0, 120.004, 36.003) == opened.bounds
    assert (summary.roles, summary.doubt_m) == (1, 0.75)


def test_a_locator_that_does_not_know_its_data_is_dated_when_it_is_saved(tmp_path: Path) -> None:
    Locator.from_areas({}).save(tmp_path / "empty.locator")
    summary = describe(tmp_path / "empty.locator")
    assert summary.about.data_version is None
    assert summary.about.made_at is not None
    assert abs((datetime.now(UTC) - summary.about.made_at).total_seconds()) < 60
    assert summary.bounds is None
    assert Locator.open(tmp_path / "empty.locator").locate(120.0, 36.0).status == "outside"


def test_arrays_are_views_of_the_file_and_nobody_can_write_to_them(tmp_path: Path) -> None:
    opened = reopened(small(), tmp_path / "a.locator")
    for array in (opened._hierarchy.grids.parts, opened._hierarchy.grids.raster.cells, opened._boundary.state.near.edge):
        assert not array.flags.owndata
        assert not array.flags.writeable
        assert array.ctypes.data % 64 == 0
    with pytest.raises(ValueError, match="read-only"):
        opened._hierarchy.grids.parts[0] = 1


def test_a_file_can_be_replaced_while_it_is_open(tmp_path: Path) -> None:
    path = tmp_path / "a.locator"
    opened = reopened(small(), path)
    before = opened.locate(120.0005, 36.0005)
    Locator.from_areas({}).save(path)
    assert opened.locate(120.0005, 36.0005) == before
    assert Locator.open(path).locate(120.0005, 36.0005).grid is None
    assert [found.name for found in tmp_path.iterdir()] == ["a.locator"]


def test_a_locator_can_be_sent(tmp_path: Path) -> None:
    built = small()
    sent = pickle.loads(pickle.dumps(reopened(built, tmp_path / "a.locator")))
    assert sent.locate(120.0005, 36.0005) == built.locate(120.0005, 36.0005)
    crooked = b"x" + bytes(built.to_bytes())
    assert Locator.from_bytes(memoryview(crooked)[1:]).locate(120.002, 36.0005) == built.locate(120.002, 36.0005)


def test_another_process_opens_the_file_without_the_database_or_geopandas(tmp_path: Path) -> None:
    small().save(tmp_path / "a.locator")
    code = """
import sys
from gisgrid.locator import Locator
print(Locator.open(sys.argv[1]).locate(120.0005, 36.0005).grid.code, "geopandas" in sys.modules, "psycopg" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "a.locator")], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["C", "False", "False"]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("file") / "a.locator"
    small().save(path)
    return path.read_bytes()


def refused(path: Path, contents: bytes) -> str:
    path.write_bytes(contents)
    with pytest.raises(SourceError) as caught:
        Locator.open(path)
    assert path.name in caught.value.message
    assert caught.value.hint
    return caught.value.message


def test_files_that_are_none_are_refused_with_what_is_wrong(tmp_path: Path, written: bytes) -> None:
    path = tmp_path / "a.locator"
    with pytest.raises(SourceError, match=r"There is no file .*gisgrid locator save"):
        Locator.open(path)
    with pytest.raises(SourceError, match="is a folder"):
        Locator.open(tmp_path)
    with pytest.raises(SourceError, match="There is no file"):
        describe(path)
    assert "is empty" in refused(path, b"")
    assert "is not a file of a locator" in refused(path, b"PK\x03\x04" * 100)
    assert "is not a file of a locator" in refused(path, b"\0")
    assert "is cut: only 40 bytes" in refused(path, written[:40])
    assert "is cut" in refused(path, written[:-1])
    assert "is damaged: it has" in refused(path, written + b"\0")
    path.chmod(0)


def with_preamble(written: bytes, *, order: str = "=", version: int = FORMAT) -> bytes:
    """Return a file with another byte order or format, whose preamble is otherwise right."""
    layout = "16sIIQIIQ"
    fields = list(struct.unpack_from("=" + layout, written))
    fields[2] = version
    preamble = struct.pack(order + layout, *fields).ljust(60, b"\0")
    return preamble + struct.pack(order + "I", zlib.crc32(preamble)) + written[64:]


def test_a_newer_an_older_and_a_foreign_file_say_so(tmp_path: Path, written: bytes) -> None:
    path = tmp_path / "a.locator"
    assert with_preamble(written) == written
    newer = refused(path, with_preamble(written, version=FORMAT + 1))
    assert f"format {FORMAT + 1}, newer than this gisgrid's {FORMAT}" in newer
    assert "older than" in refused(path, with_preamble(written, version=FORMAT - 1))
    other = ">" if sys.byteorder == "little" else "<"
    assert "another byte order" in refused(path, with_preamble(written, order=other))


def test_no_cut_and_no_changed_byte_goes_unnoticed(tmp_path: Path, written: bytes) -> None:
    path, rng = tmp_path / "a.locator", random.Random(4)
    for size in [*range(0, 200, 7), *(rng.randrange(len(written)) for _ in range(40))]:
        refused(path, written[:size])
    assert written.startswith(MAGIC)
    header = 64 + struct.unpack_from("=Q", written, 24)[0]
    # What fills the gap between the header and the arrays means nothing.
    meant = [*range(64), *range(64, header, 97), *(rng.randrange(-(-header // 64) * 64, len(written)) for _ in range(200))]
    for place in meant:
        changed = bytearray(written)
        changed[place] ^= 1 << rng.randrange(8)
        refused(path, bytes(changed))
    for place in (rng.randrange(-(-header // 64) * 64, len(written) - 4096) for _ in range(20)):
        if any(written[place : place + 4096]):
            refused(path, written[:place] + bytes(4096) + written[place + 4096 :])


class _One(NamedTuple):
    number: int
    names: tuple[str | None, ...]


class _Other(NamedTuple):
    number: int
    names: tuple[str | None, ...]
    more: float


class _Float(NamedTuple):
    number: float
    names: tuple[str | None, ...]


def test_a_file_whose_parts_are_others_is_of_another_version() -> None:
    packed = pack(_One(7, ("格", None, "", "\ud800")), {"made": "now"})
    assert unpack(_One, packed, "it") == (_One(7, ("格", None, "", "\ud800")), {"made": "now"})
    with pytest.raises(SourceError, match=r"another version of gisgrid: it has no \.more"):
        unpack(_Other, packed, "it")
    with pytest.raises(SourceError, match=r"another version of gisgrid: it has no \.number of float64"):
        unpack(_Float, packed, "it")
    with pytest.raises(TypeError, match="number holds float64, not int64"):
        pack(_One(1.5, ()), {})  # type: ignore[arg-type]


def test_what_cannot_be_written_says_so_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="cannot be written"):
        small().save(tmp_path / "nowhere" / "a.locator")
    (tmp_path / "folder").mkdir()
    with pytest.raises(SourceError, match="cannot be written"):
        small().save(tmp_path / "folder")
    assert sorted(found.name for found in tmp_path.iterdir()) == ["folder"]


def test_opening_computes_nothing_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    table = AreaTable(["1"], ["one"], [None], np.array([shapely.Point(120, 36).buffer(0.01)]))
    Locator.from_areas({"grid": table, "community": table}).save(tmp_path / "a.locator")

    def must_not(*_: object) -> None:
        raise AssertionError("computed again")

    for kind in (AreaIndex, Boundary):
        monkeypatch.setattr(kind, "__init__", must_not)
    for name in ("gisgrid.locator.hierarchy._parents_hold", "shapely.get_coordinates", "shapely.get_parts"):
        monkeypatch.setattr(name, must_not)
    assert Locator.open(tmp_path / "a.locator").locate(120.0, 36.0).grid is not None
