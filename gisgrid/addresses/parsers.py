"""Which parser a deployment has."""

from __future__ import annotations

from typing import Protocol

from gisgrid.addresses.chinese import ChineseParser
from gisgrid.addresses.parsed import ParsedAddress, Vocabulary
from gisgrid.addresses.western import WesternParser
from gisgrid.deployment import Deployment


class Parser(Protocol):
    """Reads addresses as they are written in some country."""

    def parse(self, text: str, names: Vocabulary) -> tuple[ParsedAddress, ...]:
        """Return the readings of an address, the best first, four at most; one that is empty when there is nothing in it."""


def parser_of(deployment: Deployment) -> Parser:
    """Return the parser that ``[addresses]`` of a deployment names, with the prefixes that are listed there."""
    rules = deployment.addresses
    if rules.parser == "western":
        return WesternParser(rules.cities, (*rules.districts, *rules.former_districts, *rules.neighbours))
    return ChineseParser(rules.provinces, rules.cities, (*rules.districts, *rules.former_districts, *rules.neighbours))
