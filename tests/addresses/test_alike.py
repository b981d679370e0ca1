"""Characters that are written one for the other."""

from __future__ import annotations

import pytest

from gisgrid.addresses.alike import are_alike, differ_by_a_slip
from ingest.sample import phrases


def test_each_slip_of_the_sample_is_between_characters_that_are_alike() -> None:
    for right, wrong in phrases._SLIPS:
        for one, other in zip(right, wrong, strict=True):
            assert one == other or are_alike(one, other)
            assert are_alike(one, other) == are_alike(other, one)


@pytest.mark.parametrize(("one", "other"), [("一", "二"), ("东", "西"), ("南", "北"), ("高", "延"), ("1", "7"), ("", "延")])
def test_what_tells_names_apart_is_not_alike(one: str, other: str) -> None:
    assert not are_alike(one, other)


@pytest.mark.parametrize(
    ("text", "name", "is_slip"),
    [
        ("既墨路街道", "即墨路街道", True),
        ("登洲路街道", "登州路街道", True),
        ("即墨路街道", "即墨路街道", False),
        ("延安一路", "延安二路", False),
        ("既墨路", "即墨路街道", False),
        ("既墨璐街道", "即墨路街道", False),
    ],
)
def test_a_slip_is_one_character_that_is_alike(text: str, name: str, is_slip: bool) -> None:
    assert differ_by_a_slip(text, name) == is_slip
