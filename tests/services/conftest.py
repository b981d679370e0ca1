"""The read model of the town."""

from __future__ import annotations

import pytest

from gisgrid.db import Database
from gisgrid.services import ReadModel
from gisgrid.settings import Settings


@pytest.fixture(scope="session")
def model(town: Database) -> ReadModel:
    """The read model of the town, only to be asked."""
    return ReadModel.load(town, Settings(database_url=town.url))
