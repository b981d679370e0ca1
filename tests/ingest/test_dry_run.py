"""A dry run finds what a load would find, with nothing but the files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import shapely

from gisgrid.deployment import load_deployment
from ingest.pipeline import run
from ingest.sample.generate import DEFAULT_SEED, generate


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sample")
    generate(folder, DEFAULT_SEED, 0.05)
    return folder


@pytest.mark.parametrize(
    ("said", "source", "looks_like"),
    [
        (('crs = "gcj02"', 'crs = "wgs84"'), "sample-cameras", "GCJ-02"),
        (('crs = "EPSG:4528"', 'crs = "EPSG:4549"'), "sample-covers", "EPSG:4528"),
    ],
)
def test_a_wrong_coordinate_system_is_found_by_what_was_checked_before(
    sample: Path, tmp_path: Path, said: tuple[str, str], source: str, looks_like: str
) -> None:
    text = (sample / "sources.toml").read_text(encoding="utf-8")
    (tmp_path / "sources.toml").write_text(text.replace(*said), encoding="utf-8")
    report = run(None, load_deployment("shibei"), tmp_path / "sources.toml", root=sample, dry_run=True)
    assert {one.source_id for one in report.sources if one.status == "failed"} == {source}
    (failed,) = (one for one in report.sources if one.status == "failed")
    assert looks_like in str(failed.error)
    assert (failed.loaded, failed.rejected) == (0, failed.read)


def test_the_sample_is_sound(sample: Path) -> None:
    report = run(None, load_deployment("shibei"), sample / "sources.toml", dry_run=True)
    report.raise_failure()
    assert {one.status for one in report.sources} == {"checked"}
    assert not [issue for issue in report.issues if issue.severity == "error"]
    assert any("in the district" in sentence for one in report.sources for sentence in one.evidence)


def test_areas_that_overlap_are_told(dry: Any, geojson: Callable[..., str]) -> None:
    def area(code: str, west: float, east: float) -> tuple[Any, dict[str, str]]:
        return shapely.geometry.mapping(shapely.box(west, 36.08, east, 36.09)), {"code": code, "name": f"Area {code}"}

    dry.write("districts.geojson", geojson([area("370203", 120.38, 120.40), area("370204", 120.39, 120.41)]))
    report = dry.report('id = "d"\nlayer = "districts"\npath = "districts.geojson"\nfields = { code = "code", name = "name" }\n')
    assert [(issue.code, issue.severity, issue.feature_code) for issue in report.issues] == [("overlap", "error", "370203")]
    assert (report.generation, report.dry_run) == (None, True)
