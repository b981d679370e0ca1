"""Which manhole cover a report is about: covers near a place, weighed by what the report says."""

from gisgrid.matching.distance import DEFAULT_ACCURACY_M
from gisgrid.matching.documents import cover_match_document
from gisgrid.matching.likelihood import ScorePart
from gisgrid.matching.match import STANDS_OUT, CoverMatch, MatchStatus, ScoredCover, match_cover
from gisgrid.matching.reading import kinds_named

__all__ = [
    "DEFAULT_ACCURACY_M",
    "STANDS_OUT",
    "CoverMatch",
    "MatchStatus",
    "ScorePart",
    "ScoredCover",
    "cover_match_document",
    "kinds_named",
    "match_cover",
]
