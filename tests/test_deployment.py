"""Deployments of other cities: almost nothing is required, and every mistake is named with its key."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from gisgrid import paths
from gisgrid.deployment import (
    AddressRules,
    AreaRules,
    CaseRules,
    ComponentRules,
    Deployment,
    OwnClass,
    SchemeEdition,
    TopologyRules,
    load_deployment,
)
from gisgrid.errors import ConfigError

ROOT = Path(__file__).resolve().parent.parent
BOUNDS = "bounds = [9.5, 51.2, 9.8, 51.4]\n"
OWN = '[[components.schemes]]\nscheme = "Stadt"\n'
OWN += 'classes = [{ code = "SW", name = "Schmutzwasser", kind = "sewage" }, { code = "LA", is_cover = false }]\n'


def load(folder: Path, text: str) -> Deployment:
    path = folder / "stadt.toml"
    path.write_text(text, encoding="utf-8")
    return load_deployment(str(path))


def test_bounds_alone_are_a_deployment(tmp_path: Path) -> None:
    found = load(tmp_path, BOUNDS)
    assert (found.id, found.title_zh, found.title_en, found.levels) == ("stadt", "stadt", "stadt", ())
    (scheme,) = found.components.schemes
    assert (scheme.scheme, scheme.edition, found.default_class(scheme)) == ("generic", "1", "cover")
    assert found.classes["generic", "1", "sewage"].is_cover
    assert found.components.pattern_of("generic", "1") == ".+"


def test_a_city_can_have_some_levels_and_limits_for_them(tmp_path: Path) -> None:
    found = load(tmp_path, BOUNDS + "[areas.grid]\nmax_area_m2 = 5e5\nsequence_digits = 3\n[areas.district]\ncode_pattern = '\\d{3}'\n")
    assert found.levels == ("district", "grid")
    assert found.areas["grid"] == AreaRules(max_area_m2=5e5, sequence_digits=3)
    assert found.areas["grid"].code_pattern == ".+"


def test_a_city_can_have_classes_of_its_own(tmp_path: Path) -> None:
    found = load(tmp_path, BOUNDS + OWN)
    assert found.classes["Stadt", "1", "SW"].kind == "sewage"
    assert not found.classes["Stadt", "1", "LA"].is_cover
    assert found.classes["Stadt", "1", "LA"].name == "LA"
    assert found.classes["CJ/T 214", "2007", "0102"].name == "污水井盖"
    assert set(found.own_classes) == {("Stadt", "1", "SW"), ("Stadt", "1", "LA")}
    assert found.default_class(found.components.schemes[0]) == "SW"  # its only class of covers


def test_the_pattern_of_a_code_is_that_of_its_own_scheme(tmp_path: Path) -> None:
    found = load(
        tmp_path,
        BOUNDS + '[components]\ncode_pattern = \'\\d{16}\'\nschemes = [{ scheme = "GB/T 30428.2", edition = "2013" }, '
        '{ scheme = "GB/T 47678.5", edition = "2026", code_pattern = \'\\d{17}\' }]\n',
    )
    assert found.components.pattern_of("GB/T 30428.2", "2013") == r"\d{16}"
    assert found.components.pattern_of("GB/T 47678.5", "2026") == r"\d{17}"
    assert found.default_class(found.components.schemes[0]) is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ["bounds: is missing", "west, south, east, north"]),
        ("bounds = [10, 0, 5, 1]\n", ["bounds", "west < east"]),
        ("bounds = [1, 2, 3]\n", ["bound number 4: is missing"]),
        ('bounds = "Kassel"\n', ["bounds", "Kassel"]),
        (BOUNDS + "titel_en = 'x'\n", ["titel_en: there is no such key", "did you mean 'title_en'"]),
        (BOUNDS + "[areas.grids]\n", ["areas / grids", "'district', 'street', 'community' or 'grid'", "did you mean 'grid'"]),
        (BOUNDS + "[areas.grid]\ncode_patern = 'x'\n", ["areas / grid / code_patern", "did you mean 'code_pattern'"]),
        (BOUNDS + "[areas.grid]\ncode_pattern = '['\n", ["areas / grid / code_pattern", "'[' is not a regular expression"]),
        (BOUNDS + "[areas.grid]\nmin_area_m2 = 5\nmax_area_m2 = 5\n", ["areas / grid", "`min_area_m2` must be smaller"]),
        (BOUNDS + "[areas.grid]\nmin_area_m2 = -5\n", ["areas / grid / min_area_m2", "greater than 0, not -5"]),
        (BOUNDS + "[areas.grid]\nsequence_digits = 0\n", ["areas / grid / sequence_digits"]),
        (BOUNDS + 'projected_crs = "EPSG:999999"\n', ["projected_crs", "EPSG:999999"]),
        (
            BOUNDS + 'components = { schemes = [{ scheme = "CJ/T 214", edition = "2008" }] }\n',
            ["CJ/T 214 of edition 2008", "edition 2007'"],
        ),
        (BOUNDS + "components = { schemes = [] }\n", ["components / schemes"]),
        (BOUNDS + "components = { schemes = [{ scheme = 'x', edition = [] }] }\n", ["components / scheme number 1 / edition"]),
        (BOUNDS + OWN + OWN, ["Stadt of edition 1 is given twice"]),
        (BOUNDS + OWN.replace('"LA"', '"SW"'), ["class code twice"]),
        (BOUNDS + OWN.replace('"Stadt"', '"CJ/T 214"\nedition = "2007"'), ["ships with its classes"]),
        (BOUNDS + OWN + 'default_class = "LA"\n', ["`default_class` 'LA' is not one of its classes of covers"]),
        (BOUNDS + OWN.replace('"sewage"', '"Sewage!"'), ["class number 1 / kind"]),
        (BOUNDS + "id = ''\n", ["id:"]),
        (BOUNDS + "[cases]\ncountry = 'China'\n", ["cases / country", "'China'"]),
        (BOUNDS + "[cases]\ntimezone = 'Asia/Qingdao'\n", ["cases / timezone", "'Asia/Qingdao' is not a time zone"]),
        (BOUNDS + "[cases]\nworking_hours = ['8-12']\n", ["cases / working_hours", "HH:MM-HH:MM"]),
        (BOUNDS + "[cases]\nworking_hours = ['18:00-08:00']\n", ["cases / working_hours", "begin before they end"]),
        (BOUNDS + "[cases]\nworking_hours = ['08:00-13:00', '12:00-18:00']\n", ["cases / working_hours", "overlap"]),
        (BOUNDS + "[cases]\ndays_on = ['soon']\n", ["cases / days_on"]),
        ("bounds = [\n", ["cannot be read"]),
    ],
)
def test_a_mistake_is_named_with_the_file_and_the_key(tmp_path: Path, text: str, words: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text)
    assert str(tmp_path / "stadt.toml") in caught.value.message
    for word in words:
        assert word in caught.value.message


def test_a_file_in_another_encoding_is_said_so(tmp_path: Path) -> None:
    path = tmp_path / "stadt.toml"
    path.write_bytes((BOUNDS + 'title_zh = "市北区"').encode("gb18030"))
    with pytest.raises(ConfigError, match=r"cannot be read.*UTF-8"):
        load_deployment(str(path))
    path.write_text(BOUNDS, encoding="utf-8-sig")
    assert load_deployment(str(path)).id == "stadt"


def test_a_name_that_is_nearly_right_is_guessed_and_a_path_is_looked_at(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no deployment 'shibai'; did you mean 'shibei'"):
        load_deployment("shibai")
    with pytest.raises(ConfigError, match=r"absent\.toml.*path of a TOML file"):
        load_deployment(str(tmp_path / "absent.toml"))


@pytest.mark.parametrize("path", sorted((paths.data_dir() / "deployments").glob("*.toml")), ids=lambda path: path.stem)
def test_each_deployment_that_ships_is_called_like_its_file(path: Path) -> None:
    found = load_deployment(path.stem)
    assert found.id == path.stem
    assert found.title_zh != found.id
    assert all(found.classes[key] for key in found.own_classes)


def test_the_docs_tell_each_key_and_their_examples_can_be_loaded(tmp_path: Path) -> None:
    docs = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    for model in (Deployment, AreaRules, TopologyRules, ComponentRules, SchemeEdition, CaseRules, AddressRules):
        for name, field in model.model_fields.items():
            assert f"| `{name}` | {field.description} |" in docs
    assert all(field.description for field in OwnClass.model_fields.values())
    examples = re.findall(r"```toml\n(.*?)```", docs, re.DOTALL)
    assert len(examples) >= 2
    for example in examples:
        assert load(tmp_path, example).bounds == tuple(tomllib.loads(example)["bounds"])
