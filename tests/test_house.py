"""The house rules that no linter knows: sizes, names that must match, docs that must tell all there is."""

from __future__ import annotations

import ast
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from gisgrid import cli
from gisgrid.codes import component_classes
from gisgrid.deployment import load_deployment
from gisgrid.errors import ConfigError, GisgridError, NotFoundError
from gisgrid.layers import LAYERS, layer, layers
from gisgrid.settings import Settings, load_settings

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("gisgrid", "ingest", "tiles", "api")
SOURCES = sorted(path for package in (*PACKAGES, "tests") for path in (ROOT / package).rglob("*.py"))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_is_one_idea_and_a_function_fits_a_screen(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= 450, "a file is one idea: split it"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            assert (node.end_lineno or node.lineno) - node.lineno < 80, f"{node.name} does not fit a screen"


def _tracked() -> list[Path]:
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True).stdout
    return [ROOT / name for name in listing.split("\0") if name and (ROOT / name).is_file()]


def test_no_tracked_file_names_a_package_host() -> None:
    hosts = re.compile("|".join(("pypi[.]" + "org", "python" + "hosted", "npm" + "js[.]", "deb[.]" + "debian", "crates[.]" + "io")))
    named = [
        path.name
        for path in _tracked()
        if path.suffix not in {".png", ".pbf"} and hosts.search(path.read_text(encoding="utf-8", errors="ignore"))
    ]
    assert named == []


def test_the_lock_pins_every_requirement_with_hashes() -> None:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    pinned = {name.lower() for name in re.findall(r"^([A-Za-z0-9_.-]+)(?:\[[^\]]*\])?==", lock, re.MULTILINE)}
    assert {re.split(r"[\[<>=~ ]", name)[0].lower() for name in wanted} <= pinned
    assert lock.count("--hash=sha256:") >= len(pinned)


def _settings(model: type[BaseModel], prefix: str) -> Iterator[tuple[str, FieldInfo]]:
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _settings(field.annotation, f"{prefix}{name.upper()}__")
        else:
            yield f"{prefix}{name.upper()}", field


def test_every_setting_is_in_the_docs_with_its_meaning() -> None:
    docs = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    missing = [name for name, field in _settings(Settings, "GISGRID_") if f"`{name}`" not in docs or (field.description or "?") not in docs]
    assert missing == []


def test_every_command_is_in_the_docs() -> None:
    docs = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    names = cli.declared_commands()
    assert len(names) >= 7
    assert [name for name in names if f"gisgrid {name}" not in docs] == []


def test_links_between_the_docs_lead_somewhere() -> None:
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    targets = [(page, target) for page in pages for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text(encoding="utf-8"))]
    broken = [f"{page.name}: {target}" for page, target in targets if not (page.parent / target).exists()]
    assert broken == []


def test_the_catalogue_names_each_layer_and_field_once() -> None:
    ids = [item.id for item in LAYERS]
    assert len(set(ids)) == len(ids)
    for item in LAYERS:
        names = [field.name for field in item.fields]
        assert len(set(names)) == len(names)
        assert names[0] == "code"
    assert layers(["grids", "districts"]) == (layer("grids"), layer("districts"))


def test_a_layer_that_does_not_exist_is_refused_with_the_list_of_those_that_do() -> None:
    with pytest.raises(NotFoundError, match=r"no layer 'rivers'.*manhole_covers"):
        layer("rivers")
    with pytest.raises(NotFoundError, match=r"no field 'colour'.*material"):
        layer("manhole_covers").field("colour")


def test_the_2007_scheme_has_exactly_sixteen_covers_and_each_code_means_what_its_edition_says() -> None:
    classes = component_classes()
    assert sum(item.is_cover for item in classes.values() if item.scheme == "CJ/T 214") == 16
    assert classes["CJ/T 214", "2007", "0114"].name == "无主井盖"
    assert classes["GB/T 30428.2", "2013", "0114"].name == "园林井盖"


@pytest.mark.parametrize("name", ["shibei", "helsinki"])
def test_each_shipped_deployment_can_be_loaded(name: str) -> None:
    deployment = load_deployment(name)
    known = {(item.scheme, item.edition) for item in component_classes().values()}
    assert {(item.scheme, item.edition) for item in deployment.components.schemes} <= known
    assert "grid" in deployment.levels


def test_an_unknown_deployment_is_refused_with_the_list_of_known_ones(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="helsinki, rotterdam, shenzhen, shibei, taiwan"):
        load_deployment("atlantis")
    bad = tmp_path / "bad.toml"
    bad.write_text('id = "bad"\nbounds = [10, 0, 5, 1]\n', encoding="utf-8")
    with pytest.raises(ConfigError, match="bounds are west, south, east, north"):
        load_deployment(str(bad))


def test_a_bad_setting_is_named_with_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GISGRID_API__PORT", "99999")
    with pytest.raises(ConfigError, match="GISGRID_API__PORT"):
        load_settings()


def test_every_error_has_a_kind_a_status_and_an_exit_code() -> None:
    pending, seen = [GisgridError], []
    while pending:
        kind = pending.pop()
        seen.append(kind)
        pending.extend(kind.__subclasses__())
    assert len({kind.kind for kind in seen}) == len(seen)
    assert all(kind.exit_code in {1, 2} and 400 <= kind.status <= 599 and kind.__doc__ for kind in seen)
