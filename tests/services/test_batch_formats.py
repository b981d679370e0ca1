"""Every format in and every format out: the same rows, in their order, whatever they hold."""

from __future__ import annotations

import csv
import gzip
import io
import json
from pathlib import Path
from typing import Any, BinaryIO, cast

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gisgrid.errors import ParameterError, SourceError
from gisgrid.services.batch import FileOptions, Threads, locate_paths, run
from gisgrid.services.batch.formats.base import InputOptions
from gisgrid.services.batch.formats.cells import fixed
from gisgrid.services.batch.formats.ndjson import read_object
from tests.services.blocks import SOUTH, STEP, WEST, areas, engine

LON, LAT = round(WEST + 0.4 * STEP, 6), round(SOUTH + 0.3 * STEP, 6)
ENDINGS = ["csv", "csv.gz", "tsv", "ndjson", "ndjson.gz", "json", "json.gz", "arrow", "arrows", "parquet"]
ROWS: list[dict[str, Any]] = [
    {"number": "007", "lon": LON, "lat": LAT, "note": 'a "b", c;\td'},
    {"number": "8", "lon": None, "lat": None, "note": ""},
    {"number": "井盖", "lon": LAT, "lat": LON, "note": "two\nlines"},
    {"number": "10", "lon": WEST - 1e-3, "lat": SOUTH, "note": " x "},
]
STATUS = ["inside", "no_coordinates", "invalid", "outside"]


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    """Write rows in the format that the path says, by other means than a batch."""
    names = path.name.split(".")[1:]
    opener: Any = gzip.open if names[-1] == "gz" else open
    if names[0] in {"csv", "tsv"}:
        with opener(path, "wt", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]), delimiter="\t" if names[0] == "tsv" else ",", lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
    elif names[0] in {"ndjson", "json"}:
        with opener(path, "wt", encoding="utf-8") as file:
            lines = [json.dumps(row, ensure_ascii=False) for row in rows]
            file.write("\n".join(lines) if names[0] == "ndjson" else "[" + ", ".join(lines) + "]")
    else:
        table = pa.Table.from_pylist(rows)
        if names[0] == "parquet":
            pq.write_table(table, path)
        else:
            make = pa.ipc.new_file if names[0] == "arrow" else pa.ipc.new_stream
            with make(str(path), table.schema) as out:
                out.write_table(table)
    return path


def read(path: Path) -> list[dict[str, Any]]:
    """Read the rows of a file by other means than a batch."""
    names = path.name.split(".")[1:]
    opener: Any = gzip.open if names[-1] == "gz" else open
    if names[0] in {"csv", "tsv"}:
        with opener(path, "rt", encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file, delimiter="\t" if names[0] == "tsv" else ","))
    if names[0] in {"ndjson", "json"}:
        with opener(path, "rt", encoding="utf-8") as file:
            return [json.loads(line) for line in file] if names[0] == "ndjson" else cast("list[dict[str, Any]]", json.load(file))
    if names[0] == "parquet":
        return cast("list[dict[str, Any]]", pq.read_table(path).to_pylist())
    reader = pa.ipc.open_file(str(path)) if names[0] == "arrow" else pa.ipc.open_stream(str(path))
    return cast("list[dict[str, Any]]", reader.read_all().to_pylist())


def as_texts(row: dict[str, Any]) -> dict[str, str]:
    return {name: "" if value is None else str(value).lower() if isinstance(value, bool) else str(value) for name, value in row.items()}


@pytest.mark.parametrize("target", ENDINGS)
@pytest.mark.parametrize("source", ENDINGS)
def test_from_any_format_to_any(tmp_path: Path, source: str, target: str) -> None:
    path, out = write(tmp_path / f"in.{source}", ROWS), tmp_path / f"out.{target}"
    summary = locate_paths(engine(), path, out, FileOptions())
    assert (summary.rows, summary.outcomes) == (4, dict.fromkeys(STATUS, 1))
    rows = read(out)
    assert [row["status"] for row in rows] == STATUS
    assert rows[0]["grid"] == rows[0]["candidates"] == "370203001001000"
    assert "exchanged" in rows[2]["reason"]
    assert float(rows[3]["distance_to_edge_m"]) == pytest.approx(areas().locate(WEST - 1e-3, SOUTH).distance_to_edge_m, abs=1e-3)
    for row, before in zip(rows, ROWS, strict=True):
        assert list(row)[:4] == list(before)
        assert as_texts({name: row[name] for name in before}) == as_texts(before)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_types_are_real_where_the_format_has_them(tmp_path: Path) -> None:
    source = write(tmp_path / "in.ndjson", [{"a": 1, "b": True, "c": [1, {"d": None}], "lon": LON, "lat": LAT}])
    for ending in ("ndjson", "json"):
        locate_paths(engine(), source, tmp_path / f"out.{ending}", FileOptions())
        [row] = read(tmp_path / f"out.{ending}")
        assert (row["a"], row["b"], row["c"]) == (1, True, [1, {"d": None}])
        assert (row["on_edge"], row["nearest"]) == (False, None)
        assert isinstance(row["distance_to_edge_m"], float)
    locate_paths(engine(), source, tmp_path / "out.parquet", FileOptions())
    schema = pq.read_schema(tmp_path / "out.parquet")
    assert [schema.field(name).type for name in ("a", "b", "c", "lon")] == [pa.int64(), pa.bool_(), pa.string(), pa.float64()]
    assert schema.field("on_edge").type == pa.bool_()
    assert schema.field("distance_to_edge_m").type == pa.float64()


def test_tables_keep_types_order_and_metadata(tmp_path: Path) -> None:
    table = pa.table(
        {
            "when": pa.array([0, 86_400_000_000], pa.timestamp("us", "Asia/Shanghai")),
            "lon": pa.array([str(LON), "无"]).dictionary_encode(),
            "nested": pa.array([{"x": 1}, None]),
            "lat": pa.array([LAT, LAT], pa.float32()),
            "status": pa.array([1, 2], pa.int8()),
        },
        metadata={"made": "by hand"},
    )
    pq.write_table(table, tmp_path / "in.parquet")
    for ending in ("parquet", "arrow", "arrows"):
        locate_paths(engine(), tmp_path / "in.parquet", tmp_path / f"out.{ending}", FileOptions())
        rows = read(tmp_path / f"out.{ending}")
        assert [{name: row[name] for name in table.column_names} for row in rows] == table.to_pylist()
        assert [row["gisgrid_status"] for row in rows] == ["inside", "no_coordinates"]
    found = pq.read_schema(tmp_path / "out.parquet")
    assert found.names[:5] == table.column_names
    assert (found.metadata or {}).get(b"made") == b"by hand"


BAD_LINES = b"""{"id": 1, "lon": %f, "lat": %f}
[1, 2]
{"id": 2, "lon": 1

{"id": 3, "lon": [1], "lat": true}
"text"
{}
{"status": "mine", "grid": 7, "lon": "%f", "lat": "%f"}
""" % (LON, LAT, LON, LAT)


def test_lines_that_are_no_objects_keep_their_place(tmp_path: Path) -> None:
    (tmp_path / "in.ndjson").write_bytes(BAD_LINES)
    locate_paths(engine(), tmp_path / "in.ndjson", tmp_path / "out.ndjson", FileOptions())
    rows = read(tmp_path / "out.ndjson")
    assert [row["id"] for row in rows if "id" in row] == [1, 3]
    assert [row.get("gisgrid_more") for row in rows] == [None, "[1, 2]", '{"id": 2, "lon": 1', None, '"text"', None, None]
    # The first piece has a member "status" somewhere, so that ours is called otherwise in all rows.
    assert [row["gisgrid_status"] for row in rows] == ["inside", "invalid", "invalid", "invalid", "invalid", "no_coordinates", "inside"]
    assert "no JSON object" in rows[1]["reason"]
    assert "not JSON" in rows[2]["reason"]
    assert rows[3]["reason"].startswith("lon: '[1]' is not a number")
    assert (rows[6]["status"], rows[6]["grid"], rows[6]["gisgrid_grid"]) == ("mine", 7, "370203001001000")


@pytest.mark.parametrize("ending", ["ndjson", "json"])
def test_numbers_that_python_writes_and_json_has_not_leave_their_rows_whole(tmp_path: Path, ending: str) -> None:
    rows: list[dict[str, Any]] = [
        {"id": 1, "lon": float("nan"), "lat": float("nan"), "note": 'NaN, "Infinity" \\'},
        {"id": 2, "lon": float("inf"), "lat": LAT, "note": [float("nan")]},
        {"id": 3, "lon": LON, "lat": LAT, "height": float("-inf")},
    ]
    write(tmp_path / f"in.{ending}", rows)
    locate_paths(engine(), tmp_path / f"in.{ending}", tmp_path / f"out.{ending}", FileOptions())
    found = read(tmp_path / f"out.{ending}")
    assert [(row["id"], row["status"]) for row in found] == [(1, "no_coordinates"), (2, "invalid"), (3, "inside")]
    assert (found[0]["lon"], found[0]["note"]) == (None, rows[0]["note"])
    assert (found[1]["lon"], found[1]["note"]) == ("Infinity", [None])
    assert "lon" in found[1]["reason"]
    assert found[2]["height"] == "-Infinity"
    assert not any("gisgrid_more" in row for row in found)
    locate_paths(engine(), tmp_path / f"in.{ending}", tmp_path / "out.csv", FileOptions())
    assert [row["status"] for row in read(tmp_path / "out.csv")] == ["no_coordinates", "invalid", "inside"]


@pytest.mark.parametrize("line", ['{"a": -NaN}', '{"a": NaN', "NaN", '{"a": xInfinity}', "{NaN: 1}"])
def test_other_words_in_json_are_not_guessed_at(line: str) -> None:
    row = read_object(line.encode())
    assert row.members is None
    assert row.text == line.encode()
    assert "not JSON" in row.reason


def test_members_that_only_later_objects_have_are_not_lost(tmp_path: Path) -> None:
    lines = [json.dumps({"id": k, "lon": LON, "lat": LAT}) for k in range(40)]
    lines.append(json.dumps({"id": "x1", "lon": LON, "lat": LAT, "status": "late", "extra": {"a": 1}}))
    (tmp_path / "in.ndjson").write_text("\n".join(lines), encoding="utf-8")
    small = FileOptions(piece_bytes=1000)
    locate_paths(engine(), tmp_path / "in.ndjson", tmp_path / "out.ndjson", small)
    last = read(tmp_path / "out.ndjson")[-1]
    assert (last["id"], last["status"], last["gisgrid_status"], last["extra"]) == ("x1", "late", "inside", {"a": 1})
    for ending in ("parquet", "csv"):
        locate_paths(engine(), tmp_path / "in.ndjson", tmp_path / f"out.{ending}", small)
        last = read(tmp_path / f"out.{ending}")[-1]
        kept = json.loads(last["gisgrid_more"])
        assert kept["extra"] == {"a": 1}
        assert kept["status"] == "late"
        assert last["id"] == "x1" or kept["id"] == "x1"
        assert last["status"] == "inside"


@pytest.mark.parametrize(
    ("text", "statuses"),
    [
        ('{"points": [{"lon": %f, "lat": %f}, 5, {"lon": null}]}', ["inside", "invalid", "no_coordinates"]),
        (' [ {"lon": %f, "lat": %f, "note": "]},{\\\\\\" [" } , {} ] ', ["inside", "no_coordinates"]),
        ('{"crs": "wgs84", "points" : [{"lon": %f, "lat": %f}] }\n', ["inside"]),
    ],
)
def test_a_json_document_is_an_array_or_has_points(tmp_path: Path, text: str, statuses: list[str]) -> None:
    (tmp_path / "in.json").write_text(text % (LON, LAT), encoding="utf-8")
    locate_paths(
        engine(None, crs_column="lon") if "crs" in text else engine(), tmp_path / "in.json", tmp_path / "out.json", FileOptions()
    ) if ("crs" not in text) else locate_paths(engine(), tmp_path / "in.json", tmp_path / "out.json", FileOptions())
    assert [row["status"] for row in read(tmp_path / "out.json")] == statuses


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"a": 1}', "no JSON array"),
        ("5", "no JSON array"),
        ("", "no JSON array"),
        ('[{"lon": 1, "lat": 2}', "breaks off"),
        ('[{"lon": 1, "lat": 2}] more', "goes on behind"),
        ('{"points": [{"lon": 1, "lat": 2}], "crs": "gcj02"}', "goes on behind"),
        ('{"as_of": "2026", "points": []}', "'as_of'"),
    ],
)
def test_other_documents_are_refused(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "in.json").write_text(text, encoding="utf-8")
    with pytest.raises(SourceError, match=says):
        locate_paths(engine(), tmp_path / "in.json", tmp_path / "out.json", FileOptions())
    assert [path.name for path in tmp_path.iterdir()] == ["in.json"]


def test_an_empty_array_gives_an_empty_array(tmp_path: Path) -> None:
    (tmp_path / "in.json").write_text("[]", encoding="utf-8")
    assert locate_paths(engine(), tmp_path / "in.json", tmp_path / "out.json", FileOptions()).rows == 0
    assert read(tmp_path / "out.json") == []


def test_chosen_columns_in_and_out(tmp_path: Path) -> None:
    options = FileOptions(keep=("note", "number"))
    for ending in ("csv", "ndjson", "parquet"):
        source, target = write(tmp_path / f"in.{ending}", ROWS), tmp_path / f"out.{ending}"
        summary = locate_paths(engine(columns=["grid", "reason"]), source, target, options)
        rows = read(target)
        assert list(rows[0]) == ["note", "number", "grid", "reason"]
        assert [row["note"] for row in rows] == [row["note"] for row in ROWS]
        assert sum(summary.outcomes.values()) == 4
    with pytest.raises(ParameterError, match=r"keep: there is no column 'trees'.*number, lon, lat, note"):
        locate_paths(engine(), tmp_path / "in.csv", tmp_path / "no.csv", FileOptions(keep=["trees"]))


@pytest.mark.parametrize("name", ["in.xlsx", "in.parquet.gz"])
def test_formats_that_there_are_not(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"x")
    with pytest.raises(ParameterError, match="input_format"):
        locate_paths(engine(), tmp_path / name, tmp_path / "out.csv", FileOptions())
    with pytest.raises(ParameterError, match="'klingon'"):
        locate_paths(engine(), tmp_path / name, tmp_path / "out.csv", FileOptions(input_format="klingon"))


@pytest.mark.parametrize("ending", ["parquet", "arrow", "arrows"])
def test_what_is_no_table_is_refused(tmp_path: Path, ending: str) -> None:
    for content in (b"", b"lon,lat\n1,2\n", b"ARROW1\0\0", b"PAR1PAR1"):
        (tmp_path / f"in.{ending}").write_bytes(content)
        with pytest.raises(SourceError, match=r"in\."):
            locate_paths(engine(), tmp_path / f"in.{ending}", tmp_path / "out.csv", FileOptions())


class OneWay(io.RawIOBase):
    """A stream that cannot go back, as a pipe or a request is, and gives a little at a time."""

    def __init__(self, content: bytes) -> None:
        self._content = io.BytesIO(content)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        part = self._content.read(min(len(buffer), 777))
        buffer[: len(part)] = part
        return len(part)


@pytest.mark.parametrize("target", ["csv", "ndjson", "json", "arrow-stream", "arrow", "parquet"])
@pytest.mark.parametrize("source", ["csv", "ndjson", "json", "arrows", "parquet"])
def test_streams_need_not_go_back(tmp_path: Path, source: str, target: str) -> None:
    rows = [{**ROWS[k % 4], "k": k} for k in range(500)]
    content = write(tmp_path / f"in.{source}", rows).read_bytes()
    out = io.BytesIO()
    out.seek = None  # type: ignore[assignment]
    named = {"arrows": "arrow-stream"}.get(source, source)
    stream = cast("BinaryIO", io.BufferedReader(OneWay(content)))
    options = InputOptions(piece_bytes=5000)
    summary = run(stream, out, engine(), input_format=named, output_format=target, options=options, executor=Threads(1))
    assert summary.rows == 500
    path = tmp_path / f"out.{ {'arrow-stream': 'arrows'}.get(target, target) }"
    path.write_bytes(out.getvalue())
    found = read(path)
    assert [str(row["k"]) for row in found] == [str(k) for k in range(500)]
    assert [row["status"] for row in found] == STATUS * 125


text = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8) | st.sampled_from(
    ['"', '""', 'a"b', '"a"', ",", "\n", "x\r\ny", " ", "无"]
)
number = st.sampled_from([str(LON), str(LAT), "", "12o", " 120.371 ", '"120.3708"'])
raw_rows = st.lists(st.tuples(text, number, number, text), max_size=30)


@settings(deadline=None)
@given(raw_rows, st.booleans(), st.sampled_from([60, 200, 1 << 22]), st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
def test_csv_of_any_content_comes_back_with_the_same_cells(rows: list[tuple[str, ...]], crlf: bool, size: int, quoting: Any) -> None:
    content = io.StringIO(newline="")
    writer = csv.writer(content, lineterminator="\r\n" if crlf else "\n", quoting=quoting)
    writer.writerows([("a", "lon", "lat", "b"), *rows])
    check_csv(content.getvalue(), size)


@settings(deadline=None)
@given(st.lists(st.text('ab",\n\r 1.°', max_size=12), max_size=25), st.sampled_from([40, 1 << 22]))
def test_csv_that_nobody_wrote_on_purpose(lines: list[str], size: int) -> None:
    check_csv("a,lon,lat\n" + "\n".join(lines), size)


def check_csv(content: str, size: int) -> None:
    """Check rows and cells of the output against the csv module's reading of the input; text that ends within a cell is refused."""
    header, *rows = [row for row in csv.reader(io.StringIO(content, newline="")) if row]
    out = io.BytesIO()
    if list(csv.reader(io.StringIO(content + "\nEND", newline="")))[-1] != ["END"]:
        with pytest.raises(SourceError, match="never closed"):
            run_csv(content, out, size)
        return
    run_csv(content, out, size)
    _, *found = csv.reader(io.StringIO(out.getvalue().decode(), newline=""))
    width, added = len(header), len(engine().schema)
    assert len(found) == len(rows)
    for row, after in zip(rows, found, strict=True):
        assert after[:width] == [*row[:width], *[""] * (width - len(row))]
        assert after[width + added :] == row[width:]
        single = engine().answer(pa.RecordBatch.from_pydict({"lon": [after[1]], "lat": [after[2]]})).to_pylist()[0]
        assert after[width] == ("invalid" if any(row[width:]) else single["status"])
        if not any(row[width:]):
            assert after[width + 1] == (single["grid"] or "")


def run_csv(content: str, out: BinaryIO, size: int) -> None:
    """Answer a CSV text in pieces of ``size`` bytes."""
    options = InputOptions(piece_bytes=size)
    run(io.BytesIO(content.encode()), out, engine(), input_format="csv", output_format="csv", options=options, executor=Threads(1))


@pytest.mark.parametrize("size", [30, 1 << 22])
@pytest.mark.parametrize("rows", ['1,"%f,%f\n3,1,2\n', '1,"%f,%f', '1,%f,%f\n"', '1,%f,%f\n2,5" pipe,3\n3,4,"end of it\n\n'])
def test_a_quotation_mark_that_is_never_closed_ends_the_run(tmp_path: Path, rows: str, size: int) -> None:
    (tmp_path / "in.csv").write_text("id,lon,lat\n0,1,2\n" + rows % (LON, LAT), encoding="utf-8")
    wrong = 3 if rows.startswith('1,"') else 4 if rows.endswith('"') else 5
    with pytest.raises(SourceError, match=rf"in\.csv, line {wrong}: a quotation mark .* never closed"):
        locate_paths(engine(), tmp_path / "in.csv", tmp_path / "out.csv", FileOptions(piece_bytes=size))
    assert [path.name for path in tmp_path.iterdir()] == ["in.csv"]


def test_a_quotation_mark_within_a_cell_is_a_character(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text(f'note,lon,lat\n5" pipe,{LON},{LAT}\na"b"c",{LON},{LAT}\n', encoding="utf-8")
    locate_paths(engine(), tmp_path / "in.csv", tmp_path / "out.csv", FileOptions())
    assert [(row["note"], row["status"]) for row in read(tmp_path / "out.csv")] == [('5" pipe', "inside"), ('a"b"c"', "inside")]


@given(
    st.lists(st.floats(-1e5, 1e5) | st.none() | st.sampled_from([0.0, -0.0, 1e-9, -1e-4, 99999.9996]), max_size=20),
    st.sampled_from([3, 4, 9]),
)
def test_numbers_have_their_decimal_places(values: list[float | None], places: int) -> None:
    found = fixed(pa.array(values, pa.float64()), places).to_pylist()
    for value, text in zip(values, found, strict=True):
        if value is None:
            assert text == ""
        else:
            assert float(text) == pytest.approx(value, abs=0.5001 * 10**-places)
            assert len(text.partition(".")[2]) == places
            assert "e" not in text.lower()
