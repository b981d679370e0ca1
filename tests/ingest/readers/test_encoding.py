"""Text is read in the encoding that it is in, or the file is refused: never mojibake in silence."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gisgrid.errors import SourceError
from ingest.readers.encoding import DESCRIPTION, Told, codec, decide
from tests.ingest.readers.reading import read

CHINESE = ["山东路1号污水井盖", "镇江路与南京路交叉口", "市北区环卫中心", "香港中路（东段）"]
TAIWANESE = ["臺北市中山北路二段", "新北市板橋區文化路", "監視攝影機"]
OTHERS = {
    "euc_kr": ["서울특별시 강남구 테헤란로", "한국말"],
    "cp932": ["ひたちなか市", "西茨城郡岩瀬町", "カタカナ"],
    "euc_jp": ["ひたちなか市", "東京都千代田区丸の内"],
    "koi8-r": ["Русский", "улица Ленина"],
    "cp1251": ["РУССКИЙ", "улица Ленина"],
    "cp1253": ["ΑΝΑΤΟΛΙΚΗΣ ΜΑΚΕΔΟΝΙΑΣ"],
    "cp1252": ["Peçeña México", "Straße café", "Yrjönkatu"],
    "iso8859-2": ["čeština"],
}


def found(texts: list[str], encoding: str, told: Told | None = None) -> str:
    return decide("file", [text.encode(encoding) for text in texts], told).codec


@pytest.mark.parametrize("encoding", ["gbk", "gb18030", "utf-8"])
def test_chinese_is_found_from_the_bytes(encoding: str) -> None:
    assert found(CHINESE, encoding) == ("utf-8" if encoding == "utf-8" else "gb18030")


def test_big5_is_told_from_gbk() -> None:
    assert found(TAIWANESE, "big5") == "big5"
    assert found(TAIWANESE, "gbk") == "gb18030"


@pytest.mark.parametrize("encoding", OTHERS)
def test_what_is_not_sure_is_refused_with_how_it_reads(encoding: str) -> None:
    with pytest.raises(SourceError, match="is not UTF-8") as caught:
        found(OTHERS[encoding], encoding)
    assert "Write encoding =" in caught.value.hint
    right = OTHERS[encoding][0][:10]
    assert re.search(rf"\b{re.escape(encoding)}( or [\w -]+)? reads '[^']*{re.escape(right)}", caught.value.message)


@pytest.mark.parametrize("encoding", OTHERS)
def test_what_a_file_says_of_itself_holds_where_the_bytes_do_not_contradict(encoding: str) -> None:
    assert found(OTHERS[encoding], encoding, Told(codec(encoding, ""), "its .cpg")) == codec(encoding, "")


def test_two_characters_are_too_few_to_be_sure() -> None:
    with pytest.raises(SourceError, match="gb18030 reads '井盖'"):
        found(["井盖"], "gbk")


@pytest.mark.parametrize("says", ["utf-8", "cp1252", "iso8859-1", "big5"])
def test_a_file_that_says_something_else_than_its_bytes_is_read_by_its_bytes_with_a_note(says: str) -> None:
    decided = decide("file", [text.encode("gbk") for text in CHINESE], Told(says, "its .cpg"))
    assert decided.codec == "gb18030"
    assert f"although its .cpg says {says}" in decided.note


def test_utf8_that_is_said_to_be_gbk_is_read_as_utf8_or_refused() -> None:
    assert found(CHINESE, "utf-8", Told("gb18030", "its language byte")) == "utf-8"
    with pytest.raises(SourceError, match="its text is UTF-8, such as '山东路1号污水井盖'"):
        found(CHINESE, "utf-8", Told("gb18030", DESCRIPTION))


def test_utf8_that_it_is_not_is_refused_when_the_bytes_show_nothing() -> None:
    with pytest.raises(SourceError, match=r"is not UTF-8 as its \.cpg says"):
        found(OTHERS["koi8-r"], "koi8-r", Told("utf-8", "its .cpg"))


@pytest.mark.parametrize(
    ("name", "python"),
    [
        *[("936", "gb18030"), ("GBK", "gb18030"), ("GB2312", "gb18030"), ("UTF-8", "utf-8"), ("Big-5", "big5"), ("ANSI 1252", "cp1252")],
        *[("88591", "iso8859-1"), ("EUC-KR", "euc_kr"), ("koi8r", "koi8-r"), ("OEM 850", "cp850"), ("windows-1251", "cp1251")],
    ],
)
def test_names_of_encodings_as_files_write_them(name: str, python: str) -> None:
    assert codec(name, "file") == python


def test_an_encoding_that_does_not_exist_is_refused() -> None:
    with pytest.raises(SourceError, match="no encoding 'klingon'"):
        codec("klingon", "file")


@pytest.mark.parametrize("encoding", ["gbk", "big5", "utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("ending", ["csv", "geojson", "geojsonl", "kml"])
def test_every_text_format_is_read_whatever_it_is_in(tmp_path: Path, encoding: str, ending: str) -> None:
    texts = TAIWANESE if encoding == "big5" else CHINESE
    points = [f'{{"type":"Feature","properties":{{"名":"{t}"}},"geometry":{{"type":"Point","coordinates":[1,2]}}}}' for t in texts]
    marks = [f"<Placemark><name>{text}</name><Point><coordinates>1,2</coordinates></Point></Placemark>" for text in texts]
    content = {
        "csv": "\r\n".join(["名", *texts]),
        "geojson": f'{{"type":"FeatureCollection","features":[{",".join(points)}]}}',
        "geojsonl": "\n".join(points),
        "kml": f'<?xml version="1.0"?><kml xmlns="http://www.opengis.net/kml/2.2"><Document>{"".join(marks)}</Document></kml>',
    }[ending]
    (tmp_path / f"a.{ending}").write_bytes(content.encode(encoding))
    got = read(tmp_path / f"a.{ending}")
    assert [row.get("名") or row.get("Name") for row in got.rows] == texts
    expected = {"gbk": "gb18030", "utf-8-sig": "utf-8"}.get(encoding, encoding)
    assert got.contents.encoding == expected
    assert any(expected in note for note in got.contents.notes)


def test_an_xml_file_says_its_encoding(tmp_path: Path) -> None:
    content = '<?xml version="1.0" encoding="EUC-KR"?><kml><Document><Placemark><name>한국말</name></Placemark></Document></kml>'
    (tmp_path / "a.kml").write_bytes(content.encode("euc_kr"))
    assert [row["Name"] for row in read(tmp_path / "a.kml").rows] == ["한국말"]


@pytest.mark.parametrize("charset", ["Neutral", "WindowsLatin1", "WindowsSimpChinese"])
def test_a_mif_whose_charset_is_wrong(tmp_path: Path, charset: str) -> None:
    points = "\n".join(f"Point 120.{n} 36" for n in range(len(CHINESE)))
    head = f'Version 300\nCharset "{charset}"\nDelimiter ","\nCoordSys Earth Projection 1, 104\nColumns 1\n  name Char(60)\nData\n\n'
    (tmp_path / "a.mif").write_text(head + points + "\n")
    (tmp_path / "a.mid").write_bytes("".join(f'"{text}"\n' for text in CHINESE).encode("gbk"))
    got = read(tmp_path / "a.mif")
    assert [row["name"] for row in got.rows] == CHINESE
    assert got.contents.encoding == "gb18030"


def test_one_damaged_text_in_many_costs_its_row_alone(tmp_path: Path) -> None:
    lines = [f"{text}{number}".encode() for number in range(40) for text in CHINESE]
    (tmp_path / "a.csv").write_bytes(b"name\n" + b"\n".join([*lines, "井盖".encode("gbk")]) + b"\n")
    got = read(tmp_path / "a.csv")
    assert got.contents.encoding == "utf-8"
    assert [number for number, row in enumerate(got.rows) if "\ufffd" in row["name"]] == [160]
