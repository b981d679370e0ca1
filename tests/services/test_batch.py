"""Batch files: a CSV as departments send it in, the same rows with their grids out."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest

from gisgrid.crs import from_wgs84, parse_crs
from gisgrid.errors import CrsError, ParameterError, SourceError
from gisgrid.services import ReadModel
from gisgrid.services.batch import ADDED, FileOptions, locate_file
from gisgrid.services.coordinates import read_coordinate

INSIDE = (120.3722, 36.0819)
GRID = "370203001001001"


def run(model: ReadModel, folder: Path, text: str | bytes, **options: str) -> tuple[list[dict[str, str]], dict[str, int]]:
    """Locate a file with this content; return the rows of the output and the outcomes."""
    source, target = folder / "in.csv", folder / "out.csv"
    source.write_bytes(text if isinstance(text, bytes) else text.encode())
    if not {"crs", "crs_column"} & set(options):
        options["crs"] = "wgs84"
    summary = locate_file(model, source, target, **options)  # type: ignore[arg-type]
    with target.open(encoding=options.get("encoding", "utf-8-sig"), newline="") as file:
        rows = list(csv.DictReader(file))
    assert summary.rows == len(rows) == sum(summary.outcomes.values())
    return rows, summary.outcomes


def test_each_row_keeps_its_columns_and_gets_the_answer_in_more(model: ReadModel, tmp_path: Path) -> None:
    rows, outcomes = run(model, tmp_path, "number,lon,lat,note\n1,120.3722,36.0819,x\n2,120.3725,36.0790,\n")
    assert list(rows[0]) == ["number", "lon", "lat", "note", *ADDED]
    first, second = rows
    assert [first[name] for name in ("number", "lon", "lat", "note")] == ["1", "120.3722", "36.0819", "x"]
    assert (first["status"], first["grid"], first["grid_name"]) == ("inside", GRID, "网格 11")
    assert (first["community"], first["street"], first["district_name"]) == ("370203001001", "370203001", "市北区")
    assert (first["candidates"], first["on_edge"], first["nearest"], first["reason"]) == (GRID, "false", "", "")
    assert first["responsible_unit"] == "U2"
    assert (first["wgs84_lon"], first["wgs84_lat"]) == ("120.372200000", "36.081900000")
    assert float(first["distance_to_edge_m"]) == pytest.approx(198.2, abs=0.5)
    assert (second["status"], second["grid"], second["nearest"]) == ("outside", "", GRID)
    assert float(second["nearest_distance_m"]) == float(second["distance_to_edge_m"]) == pytest.approx(110.97, abs=0.5)
    assert outcomes == {"inside": 1, "outside": 1}


def test_a_file_says_of_every_row_what_a_single_lookup_says(model: ReadModel, tmp_path: Path) -> None:
    crs = parse_crs("gcj02")
    places = [(120.3695 + 0.00037 * k, 36.0795 + 0.00021 * (k * 7 % 43)) for k in range(60)] + [(120.375, 36.082), (120.37499999, 36.083)]
    shifted = [from_wgs84(crs, *place) for place in places]
    text = "lon,lat\n" + "".join(f"{x!r},{y!r}\n" for x, y in shifted)
    rows, _ = run(model, tmp_path, text, crs="gcj02")
    for row, (x, y) in zip(rows, shifted, strict=True):
        answer = model.locate(x, y, crs)
        assert (row["status"], row["grid"]) == (answer.status, answer.grid.code if answer.grid else "")
        assert row["community"] == (answer.community.code if answer.community else "")
        assert row["candidates"] == ";".join(c.code for c in answer.candidates)
        assert row["on_edge"] == str(answer.on_edge).lower()
        assert float(row["distance_to_edge_m"]) == pytest.approx(answer.distance_to_edge_m, abs=1.1e-3)
    assert {row["status"] for row in rows} >= {"inside", "outside"}


def test_the_system_may_come_from_a_column_in_any_spelling(model: ReadModel, tmp_path: Path) -> None:
    cells = []
    for spelling in ["gcj02", "GCJ-02", "火星坐标", "WGS84", "WGS-84", "bd09", "EPSG:4549"]:
        x, y = from_wgs84(parse_crs(spelling), *INSIDE)
        cells.append(f"{x!r},{y!r},{spelling}")
    rows, _ = run(model, tmp_path, "lon,lat,系统\n" + "\n".join(cells) + "\n120.3722,36.0819,\n120.3722,36.0819,mars2\n", crs_column="系统")
    assert [row["grid"] for row in rows[:7]] == [GRID] * 7
    assert [(row["status"], "crs:" in row["reason"]) for row in rows[7:]] == [("invalid", True)] * 2
    rows, _ = run(model, tmp_path, "lon,lat,系统\n120.3722,36.0819,\n", crs_column="系统", crs="wgs84")
    assert rows[0]["grid"] == GRID


BAD_ROWS = [
    ("a,,", "no_coordinates", "lon and lat are empty"),
    ("a,无,无", "no_coordinates", "lon and lat are empty"),
    ("a, , -", "no_coordinates", "lon and lat are empty"),
    ("a,120.3722,", "no_coordinates", "lat is empty"),
    ("a,0,0.0", "no_coordinates", "0, 0"),
    ("a", "no_coordinates", "lon and lat are empty"),
    ("a,120.37x,36.08", "invalid", "lon: '120.37x'"),
    ("a,120,37,36.08", "invalid", "4 fields"),
    ("a,36.0819,120.3722", "invalid", "exchanged"),
    ("a,120.3722,96.0", "invalid", "lat: 96.0"),
    ("a,inf,36.08", "invalid", "'inf'"),
    ("a,1e999,36.08", "invalid", "not a number"),
    ("a,533747.2,3995272.3", "invalid", "projected system"),
]


def test_bad_rows_stay_in_their_place_and_say_why(model: ReadModel, tmp_path: Path) -> None:
    good = "b,120.3722,36.0819"
    text = "id,lon,lat\n" + "".join(f"{row}\n{good}\n" for row, _, _ in BAD_ROWS)
    rows, outcomes = run(model, tmp_path, text)
    for answer, (_, status, says) in zip(rows[::2], BAD_ROWS, strict=True):
        assert (answer["id"], answer["status"]) == ("a", status)
        assert says in answer["reason"]
        assert answer["grid"] == answer["candidates"] == ""
    assert [row["grid"] for row in rows[1::2]] == [GRID] * len(BAD_ROWS)
    assert outcomes == {"inside": len(BAD_ROWS), "no_coordinates": 6, "invalid": 7}


def test_what_a_row_has_beyond_the_header_is_kept_at_its_end(model: ReadModel, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("id,lon,lat\n1,120.3722,36.0819,,\n2,120.3722,36.0819,more\n", encoding="utf-8")
    locate_file(model, tmp_path / "in.csv", tmp_path / "out.csv", crs="wgs84")
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as file:
        header, first, second = csv.reader(file)
    assert first[header.index("grid")] == GRID
    assert (second[header.index("status")], second[-1]) == ("invalid", "more")


def test_columns_that_the_input_has_already_are_not_overwritten(model: ReadModel, tmp_path: Path) -> None:
    rows, _ = run(model, tmp_path, "status,lon,lat,grid,\n已派,120.3722,36.0819,old,\n")
    assert (rows[0]["status"], rows[0]["grid"]) == ("已派", "old")
    assert (rows[0]["gisgrid_status"], rows[0]["gisgrid_grid"]) == ("inside", GRID)
    assert rows[0]["grid_name"] == "网格 11"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("120.38", 120.38),
        (" 120.38\t", 120.38),
        ("１２０．３８", 120.38),
        ("120 .38", 120.38),
        ("120.38°", 120.38),
        ("E120.38", 120.38),
        ("36.08N", 36.08),
        ("东经120.38", 120.38),
        ("-.5e1", -5.0),
        ("−70.5", -70.5),
        ("'120.38", 120.38),
        ("", None),
        ("　", None),
        ("NULL", None),
        ("nan", None),
        ("——", None),
    ],
)
def test_coordinates_are_understood_as_people_write_them(text: str, value: float | None) -> None:
    assert read_coordinate(text) == value


@pytest.mark.parametrize("text", ["1_2", "120,38", "12o.38", "120.38.1", "0x10", "١٢", "120°22'48\"", "e", "1e+", "--1"])
def test_what_is_no_plain_number_is_not_guessed_at(text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(text)):
        read_coordinate(text)


CONTENT = '编号,lon,lat,描述\r\n1,120.3722,36.0819,"井盖,坏了\r\n""请""来"\r\n'


@pytest.mark.parametrize(
    ("encoding", "read_as"),
    [("utf-8", "utf-8"), ("utf-8-sig", "utf-8-sig"), ("gb18030", "gb18030"), ("gbk", "gb18030"), ("utf-16", "utf-16")],
)
def test_the_encoding_is_found_and_kept(model: ReadModel, tmp_path: Path, encoding: str, read_as: str) -> None:
    (tmp_path / "in.csv").write_bytes(CONTENT.encode(encoding))
    locate_file(model, tmp_path / "in.csv", tmp_path / "out.csv", crs="wgs84")
    written = (tmp_path / "out.csv").read_bytes()
    assert written.startswith("\ufeff".encode()) == (encoding == "utf-8-sig")
    [row] = csv.DictReader(written.decode(read_as).splitlines(keepends=True))
    assert (row["编号"], row["描述"], row["grid"]) == ("1", '井盖,坏了\r\n"请"来', GRID)


def test_a_named_encoding_is_taken_at_its_word(model: ReadModel, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_bytes("編號,lon,lat\n一,120.3722,36.0819\n".encode("big5"))
    locate_file(model, tmp_path / "in.csv", tmp_path / "out.csv", crs="wgs84", encoding="big5")
    # Big5 cannot write the names of grids, so that the output is UTF-8, marked as such.
    assert (tmp_path / "out.csv").read_bytes().decode("utf-8").startswith("\ufeff編號,lon,lat,status")
    with pytest.raises(SourceError, match="not in utf-8"):
        locate_file(model, tmp_path / "in.csv", tmp_path / "out2.csv", crs="wgs84", encoding="utf-8")
    with pytest.raises(ParameterError, match="encoding"):
        locate_file(model, tmp_path / "in.csv", tmp_path / "out2.csv", crs="wgs84", encoding="klingon")
    assert not list(tmp_path.glob("*out2*"))


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_other_delimiters_are_kept(model: ReadModel, tmp_path: Path, delimiter: str) -> None:
    (tmp_path / "in.csv").write_text("id,lon,lat\n1,120.3722,36.0819\n".replace(",", delimiter), encoding="utf-8")
    locate_file(model, tmp_path / "in.csv", tmp_path / "out.csv", crs="wgs84")
    [row] = csv.DictReader((tmp_path / "out.csv").read_text(encoding="utf-8").splitlines(), delimiter=delimiter)
    assert row["grid"] == GRID


def test_column_names_may_differ_in_case_and_width(model: ReadModel, tmp_path: Path) -> None:
    rows, _ = run(model, tmp_path, "ＩＤ, LON ,Lat\n1,120.3722,36.0819\n")
    assert rows[0]["grid"] == GRID
    rows, _ = run(model, tmp_path, "经度,纬度\n120.3722,36.0819\n", lon="经度", lat="纬度")
    assert rows[0]["grid"] == GRID


@pytest.mark.parametrize("content", [b"", b"\n\n \n", b"\xef\xbb\xbf", b"\xef\xbb\xbf\r\n"])
def test_an_empty_file_is_refused(model: ReadModel, tmp_path: Path, content: bytes) -> None:
    with pytest.raises(SourceError, match="empty"):
        run(model, tmp_path, content)
    assert not (tmp_path / "out.csv").exists()


def test_a_header_without_rows_gives_a_header_without_rows(model: ReadModel, tmp_path: Path) -> None:
    assert run(model, tmp_path, "lon,lat\n") == ([], {})


def test_a_column_that_is_not_there_is_named_with_those_that_are(model: ReadModel, tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match=r"lon: there is no column 'lon'.*经度, 纬度"):
        run(model, tmp_path, "经度,纬度\n1,2\n")
    with pytest.raises(ParameterError, match="2 columns 'lon'"):
        run(model, tmp_path, "lon,lat,lon\n1,2,3\n")
    with pytest.raises(ParameterError, match="crs_column"):
        run(model, tmp_path, "lon,lat\n1,2\n", crs_column="crs")


def test_without_a_coordinate_system_nothing_is_assumed(model: ReadModel, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("lon,lat\n120.3722,36.0819\n", encoding="utf-8")
    with pytest.raises(CrsError, match="wgs84, cgcs2000, gcj02, bd09"):
        locate_file(model, tmp_path / "in.csv", tmp_path / "out.csv")


def test_input_and_output_must_be_two_files(model: ReadModel, tmp_path: Path) -> None:
    source = tmp_path / "in.csv"
    source.write_text("lon,lat\n1,2\n", encoding="utf-8")
    (tmp_path / "same.csv").symlink_to(source)
    for target in (source, tmp_path / "." / "in.csv", tmp_path / "same.csv"):
        with pytest.raises(SourceError, match="is the input"):
            locate_file(model, source, target, crs="wgs84")
    assert source.read_text(encoding="utf-8") == "lon,lat\n1,2\n"


@pytest.mark.parametrize("damage", [b"lon,lat\n1,2\n\xff\xff\xff\n", b'lon,lat\n1,2\n"never closed' + b"x" * 140_000])
def test_a_file_that_breaks_off_leaves_an_earlier_output_alone(model: ReadModel, tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "in.csv").write_bytes(damage)
    (tmp_path / "out.csv").write_text("earlier", encoding="utf-8")
    with pytest.raises(SourceError, match=r"in\.csv"):
        locate_file(model, tmp_path / "in.csv", tmp_path / "out.csv", crs="wgs84")
    assert (tmp_path / "out.csv").read_text(encoding="utf-8") == "earlier"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.csv", "out.csv"]


def test_places_that_cannot_be_read_or_written_are_refused(model: ReadModel, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no file"):
        locate_file(model, tmp_path / "none.csv", tmp_path / "out.csv", crs="wgs84")
    with pytest.raises(SourceError, match="cannot be read"):
        locate_file(model, tmp_path, tmp_path / "out.csv", crs="wgs84")
    (tmp_path / "in.csv").write_text("lon,lat\n", encoding="utf-8")
    with pytest.raises(SourceError, match="cannot be written"):
        locate_file(model, tmp_path / "in.csv", tmp_path / "missing" / "out.csv", crs="wgs84")


def test_a_long_file_goes_through_in_pieces_in_order(model: ReadModel, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    source = tmp_path / "in.csv"
    source.write_text("n,lon,lat\n" + "".join(f"{k},{120.3701 + k * 1e-6},36.0819\n" for k in range(12_000)), encoding="utf-8")
    pieces = FileOptions(piece_bytes=120_000)
    report = lambda _, done, total: seen.append((done, total))  # noqa: E731
    summary = locate_file(model, source, tmp_path / "out.csv", crs="wgs84", options=pieces, progress=report)
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as file:
        assert [row["n"] for row in csv.DictReader(file)] == [str(k) for k in range(12_000)]
    assert summary.rows == 12_000
    assert len(seen) == 3
    assert seen[-1][0] == seen[-1][1] == source.stat().st_size
