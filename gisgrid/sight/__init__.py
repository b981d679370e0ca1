"""Which cameras can see a place, and why: docs/sight.md has the rules."""

from gisgrid.sight.answers import STATES, Blocker, Sighting, Sightings, State, sight_document
from gisgrid.sight.index import SightIndex
from gisgrid.sight.judging import LOOPS

__all__ = ["LOOPS", "STATES", "Blocker", "SightIndex", "Sighting", "Sightings", "State", "sight_document"]
