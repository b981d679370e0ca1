"""Classes of components: one number means different things in different editions, and is never taken over by its number."""

from __future__ import annotations

import itertools

import pytest

from gisgrid.codes import ClassNames, component_classes, crosswalk, of_edition

CJ = ("CJ/T 214", "2007")
GB13 = ("GB/T 30428.2", "2013")
GB26 = ("GB/T 47678.5", "2026")

COVERS = [
    # 2007, 2013, 2026, kind
    ("0101", "0101", "01001", "water_supply"),
    ("0102", "0102", "01002", "sewage"),
    ("0103", "0103", "01003", "rainwater"),
    ("0104", "0104", "01004", "rainwater_grating"),
    ("0105", "0105", "01005", "power"),
    ("0106", "0106", "01006", "street_lighting"),
    ("0107", "0107", "01007", "telecom"),
    ("0108", "0108", "01008", "television"),
    ("0109", "0109", "01009", "network"),
    ("0110", "0110", "01010", "heating"),
    ("0111", "0111", "01011", "gas"),
    ("0112", "0112", "01012", "police"),
    ("0113", "0113", "01013", "fire_facility"),
    (None, "0114", "01014", "greenery"),
    (None, "0115", "01015", "signal_power"),
    (None, "0117", "01017", "cable"),
    (None, "0118", "01018", "septic"),
    ("0127", "0119", "01019", "reclaimed_water"),
    ("0128", "0120", "01020", "public_transport"),
    ("0129", "0121", "01021", "oil_gas_pipeline"),
    ("0130", "0122", "01022", "special"),
    ("0114", "0123", "01023", "unknown"),
]


@pytest.mark.parametrize(("old", "middle", "new", "kind"), COVERS, ids=[row[3] for row in COVERS])
def test_each_cover_has_its_code_in_each_edition(old: str | None, middle: str, new: str, kind: str) -> None:
    codes = [(edition, code) for edition, code in ((CJ, old), (GB13, middle), (GB26, new)) if code]
    for (edition, code), (other, expected) in itertools.product(codes, codes):
        assert crosswalk(*edition, code, *other) == expected
    if old is None:
        assert crosswalk(*GB13, middle, *CJ) is None
        assert crosswalk(*GB26, new, *CJ) is None
    for edition, code in codes:
        assert component_classes()[*edition, code].kind == kind


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        ("0114", "0123"),  # 无主, and not 园林
        ("0115", None),  # 通讯交接箱, and not 信号灯电源井盖
        ("0116", None),  # 电力设施
        ("0117", None),  # 立杆, and not 电缆井盖
        ("0118", None),  # 路灯, and not 化粪池井盖
        ("0120", None),  # 景观灯, and not 公交井盖
        ("0123", None),  # 邮筒, and not 不明井盖
        ("0131", None),
        ("9999", None),
    ],
)
def test_a_number_is_never_taken_over_because_the_other_edition_has_it_too(number: str, expected: str | None) -> None:
    assert crosswalk(*CJ, number, *GB13) == expected


def test_what_is_the_same_thing_elsewhere_keeps_its_meaning_and_not_its_number() -> None:
    assert crosswalk(*CJ, "0118", *GB26) == "01037"
    assert crosswalk(*CJ, "0115", *GB26) == "01027"
    assert crosswalk(*GB13, "0114", *GB26) == "01014"
    assert crosswalk(*CJ, "0302", *GB26) == "03003"
    assert crosswalk("OSM manhole", "2020", "sewer", *CJ) == "0102"
    assert crosswalk(*GB26, "01023", "generic", "1") == "cover"


def test_covers_go_to_covers_and_back_again_to_themselves() -> None:
    classes = component_classes()
    editions = {(item.scheme, item.edition) for item in classes.values()}
    for item in classes.values():
        for edition in editions:
            code = crosswalk(item.scheme, item.edition, item.code, *edition)
            if code is None:
                continue
            found = classes[*edition, code]
            assert (found.is_cover, found.kind) == (item.is_cover, item.kind)
            back = crosswalk(*edition, code, item.scheme, item.edition)
            assert back == item.code or item.scheme == "OSM manhole"


@pytest.mark.parametrize(("edition", "covers"), [(CJ, 16), (GB13, 20), (GB26, 20)])
def test_a_kind_is_the_word_for_one_class_of_an_edition(edition: tuple[str, str], covers: int) -> None:
    listed = of_edition(component_classes(), *edition)
    kinds = [item.kind for item in listed if item.kind]
    assert len(set(kinds)) == len(kinds)
    assert [item.kind for item in listed if item.is_cover].count("") == 0
    assert sum(item.is_cover for item in listed) == covers


@pytest.mark.parametrize(
    "name", ["污水井盖", "污水井", "污水", "污水检查井", "污水检查井盖", "污水窨井盖", "污水古力", "污水古力盖", " 污水 井盖 "]
)
@pytest.mark.parametrize(("edition", "code"), [(CJ, "0102"), (GB13, "0102"), (GB26, "01002"), (("generic", "1"), "sewage")])
def test_people_have_many_words_for_a_sewer_cover(name: str, edition: tuple[str, str], code: str) -> None:
    assert ClassNames(*edition).code(name) == code


@pytest.mark.parametrize(
    ("name", "old", "middle"),
    [
        ("上水井盖", "0101", "0101"),
        ("自来水井", "0101", "0101"),
        ("通信井", "0107", "0107"),
        ("通讯", "0107", "0107"),
        ("输油(气)井盖", "0129", "0121"),
        ("古力", "0114", "0123"),
        ("井盖", "0114", "0123"),
        ("无主井盖", "0114", "0123"),
        ("不明井盖", "0114", "0123"),
        ("园林井盖", None, "0114"),
        ("化粪池井盖", None, "0118"),
        ("路灯井盖", "0106", "0106"),
        ("路灯", "0118", None),  # a lamp in 2007; nobody knows in the list of 2013, which has covers only
        ("化粪池", "0302", None),
        ("雨水箅子", "0104", "0104"),
        ("雨水口", None, None),
        ("消防井", None, None),
        ("", "0114", "0123"),
    ],
)
def test_a_name_means_the_class_that_its_edition_has(name: str, old: str | None, middle: str | None) -> None:
    assert (ClassNames(*CJ).code(name), ClassNames(*GB13).code(name)) == (old, middle)


def test_every_class_is_found_by_its_own_name() -> None:
    for edition in (CJ, GB13, GB26):
        names = ClassNames(*edition)
        for item in of_edition(component_classes(), *edition):
            assert names.code(item.name) == item.code
