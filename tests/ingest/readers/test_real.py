"""Every real file beside the checkout goes in, or is refused with a message; what Chinese text says is right."""

from __future__ import annotations

from pathlib import Path

import pytest

from gisgrid.errors import SourceError
from tests.ingest.readers.reading import read

REAL = Path(__file__).resolve().parents[4] / "shared" / "real"
PARTS = {".shx", ".prj", ".cpg", ".xml", ".md"}


def files() -> list[Path]:
    found = [path for path in REAL.rglob("*") if path.is_file() and path.suffix not in PARTS]
    return sorted(path for path in found if path.suffix != ".dbf" or not path.with_suffix(".shp").exists())


def test_there_are_real_files(real: Path) -> None:
    assert len(files()) >= 75


@pytest.mark.parametrize("path", files(), ids=lambda path: str(path.relative_to(REAL)))
def test_a_real_file_is_read_whole_or_refused(path: Path) -> None:
    keys = {"inner_layer": "points"} if path.suffix == ".pbf" else {}
    refusal, found = None, None
    try:
        found = read(path, **keys)
    except SourceError as error:
        refusal = error
    if refusal is not None or found is None:
        assert "bad" in path.relative_to(REAL).parts
        assert path.stem in str(refusal)
        assert refusal is not None
        assert refusal.hint
        return
    assert found.contents.total in {0, found.size}
    assert all(reason for reason in found.broken.values())
    assert not any("\ufffd" in str(value) for row in found.rows for value in row.values())


@pytest.mark.parametrize(
    ("name", "encoding", "column", "words"),
    [
        ("gbk/chongqing_shp/区县界_area.shp", "gb18030", "NAME", ["奉节县", "渝北区"]),
        ("gbk/shanghai_shp/区县界_area.shp", "gb18030", "NAME", ["宝山区", "浦东新区"]),
        ("gbk/metroline2/metroline2.shp", "utf-8", "city", ["上海"]),
        ("gbk/sz.shp", "utf-8", "qh", ["罗湖", "南山"]),
        ("cameras_taiwan/cameras.geojson", "utf-8", "city", ["臺北市", "新北市"]),
        ("bad/dbf/gb2312.dbf", "gb18030", "NAME", ["简体国语"]),
        ("bad/dbf/big5.dbf", "big5", "NAME", ["繁體國語"]),
        ("bad/dbf/cpg/big5.shp", "big5", "NAME", ["國語"]),
        ("bad/dbf/cpg/euckr.dbf", "euc_kr", "NAME", ["한국말"]),
        ("bad/dbf/cpg/koi8r.dbf", "koi8-r", "NAME", ["русский"]),
        ("bad/dbf/cpg/win1251.dbf", "cp1251", "NAME", ["РУССКИЙ"]),
        ("bad/dbf/cpg/shiftjis.dbf", "cp932", "NAME", ["カタカナひらがな"]),
        ("bad/dbf/ldid/chinese.shp", "gb18030", "NAME", ["简体"]),
    ],
)
def test_text_says_what_its_owner_wrote(real: Path, name: str, encoding: str, column: str, words: list[str]) -> None:
    found = read(real / name)
    assert found.contents.encoding == encoding
    assert set(words) <= {row[column] for row in found.rows}


@pytest.mark.parametrize("name", ["eucjp", "shiftjis", "latin1", "periphereies"])
def test_text_in_an_encoding_that_nothing_tells_is_refused(real: Path, name: str) -> None:
    with pytest.raises(SourceError, match="do not show for sure"):
        read(real / "bad" / "dbf" / f"{name}.dbf")


def test_numbers_with_a_comma_or_too_wide_are_kept_as_they_are(real: Path) -> None:
    assert read(real / "bad" / "dbf" / "comma_separated.dbf").rows[0]["AUGSTUMS"] == "68,500"
    assert read(real / "bad" / "dbf" / "duplicate_fields.dbf").rows[0]["rate"] == "*" * 19


def test_heights_and_unbuildable_polygons_are_kept_for_the_checks(real: Path) -> None:
    assert -9999.0 in {point.z for point in read(real / "rotterdam" / "manholes.shp").geom}
    centre = read(real / "helsinki" / "Helsinki_centre_2020.osm.pbf", inner_layer="multipolygons")
    assert len(centre.broken) == 17
    assert all("LinearRing" in reason for reason in centre.broken.values())
