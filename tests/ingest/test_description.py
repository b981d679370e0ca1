"""The source description: what it accepts, and messages that name the file, the source and the key."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from gisgrid import paths
from gisgrid.errors import SourceError
from ingest.description import Coordinates, Description, Rule, Source, load_description
from ingest.description.sources import without_password

GOOD = 'id = "a"\nlayer = "organizations"\npath = "a.csv"\nfields = { code = "c", name = "n" }\n'


def load(folder: Path, *sources: str) -> Description:
    path = folder / "sources.toml"
    path.write_text("\n".join(f"[[sources]]\n{source}" for source in sources), encoding="utf-8")
    return load_description(path)


@pytest.mark.parametrize("path", sorted((paths.data_dir() / "sources").glob("*.toml")), ids=lambda path: path.stem)
def test_the_descriptions_that_ship_can_be_used(path: Path) -> None:
    assert len(load_description(path).sources) == len(tomllib.loads(path.read_text(encoding="utf-8"))["sources"])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("path =", "pth ="), ["source 'a' / pth", "no such key; did you mean 'path'", "encoding"]),
        (('"organizations"', '"rivers"'), ["source 'a'", "no layer 'rivers'", "manhole_covers"]),
        (('"organizations"', '"organisations"'), ["did you mean 'organizations'"]),
        (('id = "a"\n', ""), ["source number 1 / id: is missing (Name of the source"]),
        (('path = "a.csv"\n', ""), ["source 'a'", "give `path` (a file), or `connection` and `table`"]),
        (('path = "a.csv"', 'path = "a.csv"\ntable = "a.b"'), ["give `path` (a file), or `connection` and `table`"]),
        (('path = "a.csv"', 'table = "a.b"'), ["`connection` and `table` go together"]),
        (('path = "a.csv"', 'path = "a.csv"\nheader_row = 0'), ["source 'a' / header_row", "not 0"]),
        (('path = "a.csv"', 'path = "a.csv"\ndecimal = ";"'), ["source 'a' / decimal", "'.' or ','", "not ';'"]),
        (('path = "a.csv"', 'path = "a.csv"\naxis_order = "xyz"'), ["source 'a' / axis_order", "did you mean 'xy'"]),
        (('path = "a.csv"', 'path = "a.csv"\npartial = "perhaps"'), ["source 'a' / partial"]),
        (('name = "n"', 'nme = "n"'), ["source 'a'", "no field nme; did you mean 'name'", "credit_code"]),
        ((', name = "n"', ""), ["source 'a'", "needs a rule for name"]),
        (('"n"', '{ field = "n", constant = "x" }'), ["source 'a' / fields / name", "either `field` (a column) or `constant`"]),
        (('"n"', "{ blank = ['x'] }"), ["source 'a' / fields / name", "or `expression`"]),
        (('"n"', "{ field = [] }"), ["`field` names no column"]),
        (('"n"', "{ expression = 'uppr(n)' }"), ["source 'a' / fields / name / expression", "no function 'uppr'; did you mean 'upper'"]),
        (('"n"', "{ field = 'n', unit = 'mm' }"), ["fields / name", "`unit` 'mm' cannot be used for name", "no unit"]),
        (('"n"', "{ field = 'n', unit = 'furlong' }"), ["source 'a' / fields / name / unit", "'mm'", "not 'furlong'"]),
        (('"n"', "{ field = 'n', format = '%Y' }"), ["source 'a' / fields / name / format", "'%Y' is not a format of dates"]),
        (('"n"', "{ field = 'n', format = '%Y%m%d' }"), ["fields / name", "`format` is for dates, and name is a text"]),
        (('"n"', "{ field = 'n', class_names = true }"), ["fields / name", "are for class_code"]),
        (
            ('"n"', "{ field = 'n', values_from = 'absent.csv' }"),
            ["source 'a' / fields / name", "absent.csv cannot be read", "No such file"],
        ),
        (('"n"', "[{ field = 'n' }, { fild = 'm' }]"), ["source 'a' / fields / name number 2 / fild", "did you mean 'field'"]),
        (('"n"', '{ field = "n", template = "x" }'), ["exactly one {}"]),
        (('"n"', '{ field = "n", slice = [4, 2] }'), ["0 <= a < b"]),
        (('"n"', '{ field = "n", otherwise = "x" }'), ["`otherwise` needs `values`"]),
        (('"n"', '{ field = "n", colour = "red" }'), ["source 'a' / fields / name", "colour"]),
        (('"n"', "7"), ["source 'a' / fields / name"]),
        (('path = "a.csv"', 'path = "a.csv"\ncoordinates = { lon = "x", lat = "y" }'), ["have no place"]),
    ],
)
def test_a_mistake_is_named_with_file_source_and_key(tmp_path: Path, change: tuple[str, str], words: list[str]) -> None:
    with pytest.raises(SourceError) as caught:
        load(tmp_path, GOOD.replace(*change))
    assert str(tmp_path / "sources.toml") in caught.value.message
    assert caught.value.exit_code == 2
    for word in words:
        assert word in caught.value.message


@pytest.mark.parametrize("text", ['{ lon = "x" }', '{ lon = "x", y = "y" }', '{ lon = "x", lat = "y", wkt = "w" }', "{}"])
def test_coordinates_come_as_a_pair_or_as_wkt(tmp_path: Path, text: str) -> None:
    camera = f'id = "a"\nlayer = "cameras"\npath = "a.csv"\ncoordinates = {text}\nfields = {{ code = "c", kind = "k" }}\n'
    with pytest.raises(SourceError, match="`lon` and `lat`, or `x` and `y`, or `wkt`"):
        load(tmp_path, camera)


def test_two_sources_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="source ids must differ; given more than once: a"):
        load(tmp_path, GOOD, GOOD)


def test_a_missing_broken_or_empty_description_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="There is no source description"):
        load_description(tmp_path / "absent.toml")
    (tmp_path / "broken.toml").write_text("[[sources]\n")
    with pytest.raises(SourceError, match="cannot be read"):
        load_description(tmp_path / "broken.toml")
    (tmp_path / "empty.toml").write_text("")
    with pytest.raises(SourceError, match="neither a source nor a raster"):
        load_description(tmp_path / "empty.toml")


CAMERA = 'id = "a"\nlayer = "cameras"\npath = "a.csv"\n[sources.fields]\ncode = "c"\n'


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ('kind = { constant = "ptx" }', ["fields / kind", "cannot be 'ptx'", "did you mean 'ptz'", "fixed, dome, ptz"]),
        ('kind = { field = "k", values = { "球机" = "ball" } }', ["fields / kind", "cannot be 'ball'"]),
        ('kind = { field = "k", default = "domes" }', ["did you mean 'dome'"]),
        ('kind = "k"\nrange_m = { field = "r", unit = "deg" }', ["`unit` 'deg' cannot be used for range_m", "mm, cm, m, km, ft, in, mi"]),
        ('kind = "k"\nazimuth_deg = { field = "r", unit = "m" }', ["it is in deg, so units are deg, rad, gon, mil"]),
    ],
)
def test_a_rule_that_can_never_give_a_value_of_its_field_is_refused(tmp_path: Path, rule: str, words: list[str]) -> None:
    with pytest.raises(SourceError) as caught:
        load(tmp_path, CAMERA + rule)
    for word in words:
        assert word in caught.value.message


@pytest.mark.parametrize("format", ["YYYY-MM-DD", "%Y", "%d.%m", "", "%H:%M", "%y", "excel 1904", "%Y-%d"])
def test_a_format_that_holds_no_date_is_refused(tmp_path: Path, format: str) -> None:
    rule = f'installed_on = {{ field = "d", format = "{format}" }}'
    cover = f'id = "a"\nlayer = "manhole_covers"\npath = "a.csv"\nfields = {{ code = "c", {rule} }}\n'
    with pytest.raises(SourceError, match="is not a format of dates; write one as"):
        load(tmp_path, cover)


def test_a_value_map_may_lie_beside_the_description(tmp_path: Path) -> None:
    rule = 'kind = { field = "k", values_from = "kinds.csv", values = { "枪" = "fixed" } }'
    path = tmp_path / "kinds.csv"
    path.write_text("from,to\n球机,ptz\n枪,dome\n\n", encoding="utf-8-sig")
    (source,) = load(tmp_path, CAMERA + rule).sources
    assert source.fields["kind"][0].values == {"球机": "ptz", "枪": "fixed"}
    for content, words in (
        ("球机,ptz\n", "whose first line is: from,to"),
        ("from,to\n球机\n", "line 2: not two cells"),
        ("from,to\na,ptz\na,dome\n", "line 3: given twice"),
        ("from,to\n球机,ball\n", "cannot be 'ball'"),
    ):
        path.write_text(content, encoding="utf-8")
        with pytest.raises(SourceError, match=words):
            load(tmp_path, CAMERA + rule)
    path.write_bytes("from,to\n球机,ptz\n".encode("gb18030"))
    with pytest.raises(SourceError, match=r"kinds\.csv cannot be read"):
        load(tmp_path, CAMERA + rule)


def test_a_source_says_where_its_rows_come_from_and_never_with_a_password(tmp_path: Path) -> None:
    table = GOOD.replace('path = "a.csv"', 'connection = "postgresql://me:se:cret@db.example/city"\ntable = "public.covers"')
    archive = GOOD.replace('path = "a.csv"', 'path = "a.zip"\nmember = "in/a.csv"').replace('"a"', '"b"', 1)
    first, second = load(tmp_path, table, archive).sources
    assert first.where_from == "table public.covers of postgresql://me:***@db.example/city"
    assert first.path == ""
    assert second.where_from == "a.zip/in/a.csv"
    assert without_password("host=db user=me password='se cret' dbname=city") == "host=db user=me password=*** dbname=city"
    assert without_password("host=db password = secret") == "host=db password = ***"
    assert without_password("env:CITY") == "env:CITY"


def test_toml_of_a_windows_editor_can_be_read_and_its_backslashes_are_explained(tmp_path: Path) -> None:
    path = tmp_path / "sources.toml"
    path.write_text(f"[[sources]]\n{GOOD}", encoding="utf-8-sig")
    assert load_description(path).sources[0].id == "a"
    path.write_text('[[sources]]\npath = "C:\\data\\a.csv"\n', encoding="utf-8")
    with pytest.raises(SourceError, match="paths with /"):
        load_description(path)
    path.write_bytes('[[sources]]\nid = "井盖"\n'.encode("gb18030"))
    with pytest.raises(SourceError, match=r"UTF-8; save it again"):
        load_description(path)


def test_numbers_where_a_text_is_meant_are_taken_as_text(tmp_path: Path) -> None:
    rule = Rule.model_validate({"field": "e", "values": {"1": 2013}, "blank": [0]})
    assert (rule.values, rule.blank) == ({"1": "2013"}, ("0",))


def test_every_key_has_a_meaning_that_stands_in_the_docs() -> None:
    docs = (Path(__file__).resolve().parents[2] / "docs" / "ingest.md").read_text(encoding="utf-8")
    for model in (Source, Rule):
        for name, field in model.model_fields.items():
            assert f"| `{name}` | {field.description} |" in docs, name
    assert all(field.description for model in (Description, Coordinates) for field in model.model_fields.values())
