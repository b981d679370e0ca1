"""The list of words: nothing in it that is never found, or that means what nothing else knows."""

from __future__ import annotations

import csv
from collections import Counter
from typing import get_args

import pytest

from gisgrid import paths
from gisgrid.codes import component_classes, kind_words
from gisgrid.matching.vocabulary import Role, plain, tokens

ROWS = list(csv.DictReader((paths.data_dir() / "codes" / "cover_words.csv").read_text(encoding="utf-8").splitlines()))
STATES = {"intact", "broken", "missing", "abandoned", "removed", "displaced", "sunken", "loose", "overflowing"}
WITH_KINDS = {"kind", "contents", "owner", "unclear"}


def test_each_word_stands_once_in_each_role_with_values_that_exist() -> None:
    assert [key for key, count in Counter((row["role"], row["word"]) for row in ROWS).items() if count > 1] == []
    assert {row["role"] for row in ROWS} == set(get_args(Role))
    kinds = {item.kind for item in component_classes().values()}
    for row in ROWS:
        values = set(row["value"].split())
        if row["role"] in WITH_KINDS:
            assert values
            assert values <= kinds, row
        elif row["role"] == "state":
            assert len(values) == 1
            assert values <= STATES, row
        else:
            assert not values, row


@pytest.mark.parametrize("word", sorted({row["word"] for row in ROWS} | set(kind_words())))
def test_each_word_is_found_where_it_stands(word: str) -> None:
    found = tokens(plain(f"，{word}，"))
    assert [token.word.text for token in found] == [plain(word)]


def test_each_kind_of_cover_of_every_list_has_a_word() -> None:
    named = set(kind_words().values())
    chinese = {item.kind for item in component_classes().values() if item.is_cover and item.name.endswith("井盖")}
    assert chinese <= named
    for item in component_classes().values():
        if item.is_cover and item.name.endswith("井盖"):
            word = tokens(plain(item.name))[0].word
            assert word.values["kind"] == (item.kind,)
