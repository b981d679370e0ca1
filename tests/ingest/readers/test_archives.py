"""Data in archives: found, named, unpacked within limits, and nothing left behind."""

from __future__ import annotations

import gzip
import io
import tempfile
import zipfile
import zlib
from pathlib import Path

import pytest

from gisgrid.errors import SourceError
from ingest.readers import archives
from tests.ingest.readers.reading import read

TABLE = "code,name\nA1,井\n".encode()
ROWS = [{"code": "A1", "name": "井"}]


@pytest.fixture(autouse=True)
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for temporary files, to see that none is left in it."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def zipped(**members: bytes) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return content.getvalue()


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def test_the_one_data_file_is_found_among_others(tmp_path: Path, scratch: Path) -> None:
    members = {"readme.txt": b"x", "__MACOSX/._a.csv": b"x", "data/a.csv": TABLE, "data/a.pdf": b"x"}
    assert read(written(tmp_path / "a.zip", zipped(**members))).rows == ROWS
    assert list(scratch.iterdir()) == []


def test_archives_in_archives(tmp_path: Path) -> None:
    inner = zipped(**{"deep/a.csv.gz": gzip.compress(TABLE)})
    path = written(tmp_path / "a.zip", zipped(**{"x/inner.zip": inner, "y.csv": TABLE}))
    with pytest.raises(SourceError, match=r"several data files.* y\.csv") as caught:
        read(path)
    assert "x/inner.zip/deep/a.csv.gz/a.csv" in caught.value.hint
    assert read(path, member="x/inner.zip/deep/a.csv.gz/a.csv").rows == ROWS
    assert read(path, member="y.csv").rows == ROWS


def test_a_member_that_is_not_there_is_refused_with_those_that_are(tmp_path: Path) -> None:
    path = written(tmp_path / "a.zip", zipped(**{"a.csv": TABLE}))
    for member in ("b.csv", "../../etc/passwd", "/etc/passwd"):
        with pytest.raises(SourceError, match=r"no member .*It holds: a\.csv"):
            read(path, member=member)
    with pytest.raises(SourceError, match="is not an archive"):
        read(written(tmp_path / "a.csv", TABLE), member="a.csv")


def test_an_archive_without_data_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="holds no data file"):
        read(written(tmp_path / "a.zip", zipped(**{"a.pdf": b"x"})))


def test_names_in_gbk_without_a_mark_are_read(tmp_path: Path) -> None:
    name = "井盖/普查.csv"
    raw = name.encode("gbk")
    content = zipped(**{"x" * len(raw): TABLE}).replace(b"x" * len(raw), raw)
    found = read(written(tmp_path / "a.zip", content), member=name)
    assert found.rows == ROWS


@pytest.mark.parametrize("name", ["../evil.csv", "/evil.csv", "a/../../evil.csv", "..\\evil.csv", "C:\\evil.csv"])
def test_a_member_outside_of_the_archive_is_refused(tmp_path: Path, scratch: Path, name: str) -> None:
    with pytest.raises(SourceError, match="outside of itself"):
        read(written(tmp_path / "a.zip", zipped(**{name: TABLE})))
    assert not list(tmp_path.rglob("evil.csv"))
    assert list(scratch.iterdir()) == []


def test_a_bomb_is_refused_before_it_fills_the_disk(tmp_path: Path, scratch: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "FREE_BYTES", 1 << 20)
    with pytest.raises(SourceError, match="200 times its size"):
        read(written(tmp_path / "a.zip", zipped(**{"a.csv": bytes(8 << 20)})))
    with pytest.raises(SourceError, match="200 times its size"):
        read(written(tmp_path / "a.csv.gz", gzip.compress(bytes(8 << 20))))
    monkeypatch.setattr(archives, "MAX_FILES", 8)
    with pytest.raises(SourceError, match="more than 8 files"):
        read(written(tmp_path / "b.zip", zipped(**{f"{number}.csv": TABLE for number in range(9)})))
    nested = zipped(**{"a.csv": TABLE})
    for _ in range(4):
        nested = zipped(**{"n.zip": nested})
    with pytest.raises(SourceError, match="more than 4 deep"):
        read(written(tmp_path / "c.zip", nested))
    assert list(scratch.iterdir()) == []


def test_a_locked_archive_and_a_broken_one_say_so(tmp_path: Path) -> None:
    content = bytearray(zipped(**{"a.csv": TABLE}))
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(mark) + offset] |= 1
    with pytest.raises(SourceError, match="locked with a password"):
        read(written(tmp_path / "a.zip", bytes(content)))
    with pytest.raises(SourceError, match="cannot be unpacked"):
        read(written(tmp_path / "b.zip", b"PK\x03\x04nothing"))
    with pytest.raises(SourceError, match="cannot be unpacked"):
        read(written(tmp_path / "c.csv.gz", gzip.compress(TABLE)[:-9]))
    raw = zipped(**{"a.csv": TABLE})
    with pytest.raises(SourceError, match="cannot be unpacked"):
        read(written(tmp_path / "d.zip", raw.replace(zlib.crc32(TABLE).to_bytes(4, "little"), b"abcd")))


def test_messages_name_the_file_that_the_user_named_and_nothing_is_left(tmp_path: Path, scratch: Path) -> None:
    path = written(tmp_path / "a.zip", zipped(**{"in/a.geojson": b'{"type": "FeatureCollection", "features": [{'}))
    with pytest.raises(SourceError) as caught:
        read(path)
    assert f"{path}/in/a.geojson" in caught.value.message
    assert "scratch" not in str(caught.value)
    assert list(scratch.iterdir()) == []
