"""The fast code says what docs/sight.md says, as tests/sight/reference.py works it out slowly."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from gisgrid.sight import STATES, SightIndex
from tests.sight.reference import Verdict, agree, disagreements
from tests.sight.town import random_places, random_town


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("target_m", [0.0, 4.0])
def test_in_a_crowded_town_with_much_unknown_there_is_no_difference(seed: int, target_m: float) -> None:
    cameras, buildings = random_town(seed)
    assert disagreements(cameras, buildings, random_places(seed, 50), 8, target_m) == []


def test_the_towns_have_every_state_and_every_kind_of_reason_in_them() -> None:
    states: Counter[str] = Counter()
    reasons: set[str] = set()
    for seed in range(3):
        cameras, buildings = random_town(seed)
        sight = SightIndex(cameras, buildings)
        for lon, lat in random_places(seed, 60).tolist():
            for sighting in sight.look(lon, lat, range(len(cameras.ids))):
                states[sighting.state] += 1
                reasons.add(sighting.reason)
    assert min(states[state] for state in STATES) > 100
    words = ["own building", "floors of 3 m", "only the outside", "mount height of the camera is not", "its height is not", "last fifth"]
    words += ["if the mount were lower", "turns", "in doubt", "not online", "azimuth is not", "field of view is not", "range is not"]
    words += ["% of the uncertainty", "only ", "would probably see", "else it would see the place"]
    everything = "\n".join(reasons)
    assert [word for word in words if word not in everything] == []
    assert [text for text in reasons if not re.fullmatch(r"[A-Z][^\n]*[a-z0-9)°]\.", text) or "None" in text or "nan" in text] == []


def test_the_check_itself_notices_other_states_shares_and_blockers() -> None:
    verdict = Verdict("blocked", 0.5, 7, 12.0)
    assert agree(verdict, verdict)
    others = [Verdict("sees", 0.5), verdict._replace(share=0.50001), verdict._replace(blocker_id=8), verdict._replace(met_m=12.1)]
    assert not any(agree(verdict, other) or agree(other, verdict) for other in [*others, verdict._replace(share=None)])
