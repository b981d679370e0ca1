"""The source description: what it accepts, and messages that name the file, the source and the key."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from gisgrid import paths
from gisgrid.errors import SourceError
from ingest.description import load_description

GOOD = 'id = "a"\nlayer = "organizations"\npath = "a.csv"\nfields = { code = "c", name = "n" }\n'


def load(folder: Path, *sources: str) -> object:
    path = folder / "sources.toml"
    path.write_text("\n".join(f"[[sources]]\n{source}" for source in sources), encoding="utf-8")
    return load_description(path)


@pytest.mark.parametrize("name", ["sample", "helsinki"])
def test_the_descriptions_that_ship_can_be_used(name: str) -> None:
    path = paths.data_dir() / "sources" / f"{name}.toml"
    assert len(load_description(path).sources) == len(tomllib.loads(path.read_text(encoding="utf-8"))["sources"])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("path =", "pfad ="), ["source 'a' / pfad", "source 'a' / path"]),
        (('"organizations"', '"roads"'), ["source 'a'", "no layer 'roads'", "manhole_covers"]),
        (('name = "n"', 'nme = "n"'), ["source 'a'", "no field nme", "credit_code"]),
        ((', name = "n"', ""), ["source 'a'", "needs a rule for name"]),
        (('"n"', '{ field = "n", constant = "x" }'), ["source 'a' / fields / name", "either `field` (a column) or `constant`"]),
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
    with pytest.raises(SourceError, match="sources: Field required"):
        load_description(tmp_path / "empty.toml")
