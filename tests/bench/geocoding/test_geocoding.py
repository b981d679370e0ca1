"""The geocoder on small sample districts: what it is judged by holds for any seed, and the measuring itself runs."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from gisgrid.deployment import load_deployment
from gisgrid.progress import silent
from ingest.sample.files import make_world
from ingest.sample.generate import generate
from tests.bench.geocoding.bound import Bound
from tests.bench.geocoding.files import sample_cases, sample_gazetteer, sample_plan
from tests.bench.geocoding.measure import Judged, by_kind, calibration, judge, quality, rows_per_second
from tests.bench.geocoding.positions import read_labels

SEEDS = (5, 11)


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> list[Judged]:
    """Every case of two small districts, asked by its address alone."""
    found = []
    for seed in SEEDS:
        folder = tmp_path_factory.mktemp("samples") / str(seed)
        generate(folder, seed, 0.1)
        gazetteer, locator = sample_gazetteer(folder)
        found += judge(gazetteer, locator, sample_cases(folder))
    return found


def test_answers_that_claim_a_door_plate_are_in_the_true_grid(judged: list[Judged]) -> None:
    found = quality(judged)
    assert found.doors_right >= 0.97
    assert found.doors > 0.3


def test_the_circle_of_an_answer_touches_the_true_grid(judged: list[Judged]) -> None:
    found = quality(judged)
    assert found.touched >= 0.93
    # What an address says of a crossing or of a stretch of road does not tell which of the grids along it is meant.
    assert found.right >= 0.78


def test_nothing_is_wrong_and_sure_of_it(judged: list[Judged]) -> None:
    found = quality(judged)
    assert found.wrong_and_sure < 0.005
    assert found.sure_within >= 0.95


def test_confidence_means_what_it_says(judged: list[Judged]) -> None:
    for low, high in ((0.0, 0.3), (0.3, 0.6), (0.6, 0.9), (0.9, 1.01)):
        some = [one for one in judged if low <= one.confidence < high]
        claimed = float(np.mean([one.confidence for one in some]))
        within = float(np.mean([one.is_within for one in some]))
        # It may be too modest, since it counts the grid as well; it is not to boast.
        assert within >= claimed - 0.08, (low, high, claimed, within, len(some))


def test_addresses_give_wrong_names_of_coordinate_systems_away(tmp_path: Path) -> None:
    generate(tmp_path / "small", 7, 0.1)
    labels = read_labels(*sample_gazetteer(tmp_path / "small"), sample_cases(tmp_path / "small"), load_deployment("shibei").box)
    assert labels.wrong_label_noticed >= 0.95
    assert labels.right_label_in_grid >= 0.999
    assert labels.right_label_kept >= 0.99


def test_most_answers_are_of_kinds_that_are_told_apart(judged: list[Judged]) -> None:
    levels = Counter(one.best.level for one in judged if one.best is not None)
    assert {"building", "door_plate", "vicinity", "crossing", "place", "road"} <= set(levels)
    assert by_kind(judged).row_count >= 6
    assert calibration(judged).row_count >= 5


def test_nothing_is_right_more_often_than_the_grid_that_is_true_most_often(tmp_path: Path) -> None:
    generate(tmp_path / "small", 5, 0.05)
    shares = Bound(make_world(sample_plan(tmp_path / "small"), silent), places=10_000).shares(*sample_gazetteer(tmp_path / "small"), 550)
    ours, reader, insider = shares.overall()
    assert 0.75 < ours < reader + 0.02
    # There are fewer shops of one name in a small district.
    assert reader < insider < 0.93
    assert shares.insider["door plate or building"] > 0.99
    assert shares.share.sum() == pytest.approx(1.0)
    assert shares.table().row_count == len(shares.share) + 1


def test_the_rate_is_measured(tmp_path: Path) -> None:
    generate(tmp_path / "small", 3, 0.02)
    gazetteer, _ = sample_gazetteer(tmp_path / "small")
    texts = [case.address for case in sample_cases(tmp_path / "small")]
    gazetteer.prepare()
    rate, turns = rows_per_second(gazetteer, texts, rounds=1)
    assert rate > 0.0
    assert turns > 0.0
