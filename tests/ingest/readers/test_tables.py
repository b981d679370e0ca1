"""Delimited text, spreadsheets and DBF tables: no cell and no row is lost, and nothing that a cell says is changed."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gisgrid.errors import SourceError
from tests.ingest.readers.reading import read


def written(path: Path, content: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(content.encode(encoding))
    return path


def test_a_row_with_too_many_or_too_few_cells_is_broken_and_keeps_them_all(tmp_path: Path) -> None:
    found = read(written(tmp_path / "a.csv", "code,name\nA1,x\nA2,y,more,and more\nA3\n"))
    assert found.broken == {2: "It has 4 cells, but the header has 2.", 3: "It has 1 cells, but the header has 2."}
    assert found.rows[1] == {"code": "A2", "name": "y", "_extra": ["more", "and more"]}
    assert found.size == 3


@pytest.mark.parametrize(
    "bad",
    ['A2,"never closed', 'A2,"closed"too early"', 'A2,x,"', '"A2,y', 'A2,"a""'],
)
@pytest.mark.parametrize("after", [0, 1, 3])
def test_a_wrong_quote_costs_its_line_alone(tmp_path: Path, bad: str, after: int) -> None:
    rows = ["A1,x", bad, *(f'B{number},"fine, ""quoted"""' for number in range(after))]
    found = read(written(tmp_path / "a.csv", "\n".join(["code,name", *rows]) + "\n"))
    assert list(found.broken) == [2]
    assert found.broken[2]
    assert [row["name"] for row in found.rows[2:]] == ['fine, "quoted"'] * after
    assert found.size == len(rows)


def test_a_quote_that_is_never_closed_in_a_long_file(tmp_path: Path) -> None:
    rows = [f"A{number},x" for number in range(5_000)]
    rows[100] = 'A100,"x'
    found = read(written(tmp_path / "a.csv", "\n".join(["code,name", *rows])))
    assert (found.size, list(found.broken)) == (5_000, [101])


def test_a_line_break_inside_quotes_belongs_to_the_cell(tmp_path: Path) -> None:
    found = read(written(tmp_path / "a.csv", 'code,name\r\nA1,"two\r\nlines"\r\nA2,x\r\n'))
    assert [row["name"] for row in found.rows] == ["two\r\nlines", "x"]
    assert found.broken == {}


@pytest.mark.parametrize(("name", "delimiter"), [("a.tsv", None), ("a.txt", ";"), ("a.csv", "|")])
def test_other_delimiters(tmp_path: Path, name: str, delimiter: str | None) -> None:
    mark = delimiter or "\t"
    keys = {"delimiter": delimiter} if delimiter else {}
    assert read(written(tmp_path / name, f"编号{mark}名\nA1{mark}井,盖\n"), **keys).rows == [{"编号": "A1", "名": "井,盖"}]


def test_the_line_that_names_the_columns_may_be_further_down(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", "市北区井盖普查\n\ncode,name\nA1,x\n")
    assert read(path, header_row=3).rows == [{"code": "A1", "name": "x"}]
    with pytest.raises(SourceError, match=r"Line 2 .* is empty"):
        read(path, header_row=2)


CELL = st.text(st.characters(codec="utf-8", exclude_characters="\0\ufeff", exclude_categories=["Cs"]), max_size=8)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(rows=st.lists(st.lists(CELL, min_size=1, max_size=4), max_size=8), noise=st.text('",\n\rab', max_size=30))
def test_whatever_is_written_after_the_header_each_good_row_before_it_is_there(tmp_path: Path, rows: list[list[str]], noise: str) -> None:
    def quoted(cell: str) -> str:
        return '"' + cell.replace('"', '""') + '"'

    lines = [",".join(map(quoted, row)) for row in rows]
    found = read(written(tmp_path / "a.csv", "a,b\r\n" + "".join(f"{line}\r\n" for line in lines) + noise))
    kept = [row for row in rows if any(row)]
    for row, got in zip(kept, found.rows, strict=False):
        assert [got["a"], got["b"], *got.get("_extra", [])][: len(row)] == row
    assert found.size >= len(kept)


def dbf(fields: list[tuple[bytes, str, int, int]], records: list[bytes], *, language: int = 0, promised: int | None = None) -> bytes:
    """Return a DBF file; each record is given with its deletion mark."""
    size = 1 + sum(width for _, _, width, _ in fields)
    described = b"".join(struct.pack("<11sc4xBB14x", name, kind.encode(), width, places) for name, kind, width, places in fields)
    head = struct.pack("<B3xIHH17xB2x", 3, len(records) if promised is None else promised, 33 + len(described), size, language)
    assert all(len(record) == size for record in records)
    return head + described + b"\r" + b"".join(records) + b"\x1a"


FIELDS = [(b"CODE", "C", 4, 0), (b"N", "N", 6, 2), (b"DAY", "D", 8, 0), (b"OK", "L", 1, 0)]


def table(*records: bytes, **more: Any) -> bytes:
    return dbf(FIELDS, [record.ljust(20) for record in records], **more)


def test_a_number_is_what_the_file_says_also_where_it_is_none(tmp_path: Path) -> None:
    content = table(b" A1   68,5020200131T", b" A2  ******20200230?", b" A3     7.5        x", b" A4        00000000F")
    (tmp_path / "a.dbf").write_bytes(content)
    rows = read(tmp_path / "a.dbf").rows
    assert [row["N"] for row in rows] == ["68,50", "******", "7.5", None]
    assert [row["DAY"] for row in rows] == ["2020-01-31", "20200230", None, None]
    assert [row["OK"] for row in rows] == ["T", "?", "x", "F"]


def test_typed_columns_where_every_value_fits(tmp_path: Path) -> None:
    (tmp_path / "a.dbf").write_bytes(table(b" A1    68.520200131T", b" A2", b" A3     -1 20211201n"))
    rows = read(tmp_path / "a.dbf").rows
    assert [row["N"] for row in rows] == [68.5, None, -1.0]
    assert [str(row["DAY"]) for row in rows] == ["2020-01-31", "None", "2021-12-01"]
    assert [row["OK"] for row in rows] == [True, None, False]


def test_deleted_records_are_left_out_with_a_note(tmp_path: Path) -> None:
    (tmp_path / "a.dbf").write_bytes(table(b" A1", b"*A2", b" A3"))
    found = read(tmp_path / "a.dbf")
    assert [row["CODE"] for row in found.rows] == ["A1", "A3"]
    assert [number for batch in found.batches for number in batch.numbers.tolist()] == [1, 3]
    assert any("1 records of a.dbf are marked as deleted" in note for note in found.contents.notes)


def test_a_table_that_ends_before_its_last_record_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.dbf").write_bytes(table(b" A1", promised=3))
    with pytest.raises(SourceError, match="promises 3 records, but it ends after 1"):
        read(tmp_path / "a.dbf")


def test_a_character_cut_in_half_by_the_width_of_its_field_is_left_off(tmp_path: Path) -> None:
    records = [b" " + "山东路1号污水井盖".encode("gbk")[:11], b" " + "镇江路中段".encode("gbk") + b" "]
    (tmp_path / "a.dbf").write_bytes(dbf([("名称".encode("gbk"), "C", 11, 0)], records))
    found = read(tmp_path / "a.dbf")
    assert found.rows == [{"名称": "山东路1号"[:5] + "污"}, {"名称": "镇江路中段"}]
    assert found.contents.encoding == "gb18030"
