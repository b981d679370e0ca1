"""Addresses as people write them, read into parts; no place is looked up here."""

from gisgrid.addresses.characters import chinese_number, normal_name, simplified
from gisgrid.addresses.names import Names
from gisgrid.addresses.noise import Normalised, normalised
from gisgrid.addresses.numbers import house_number_text, number_key, parse_house_number
from gisgrid.addresses.parsed import HouseNumber, NameKind, ParsedAddress, Relation, Vocabulary
from gisgrid.addresses.parsers import Parser, parser_of

__all__ = [
    "HouseNumber",
    "NameKind",
    "Names",
    "Normalised",
    "ParsedAddress",
    "Parser",
    "Relation",
    "Vocabulary",
    "chinese_number",
    "house_number_text",
    "normal_name",
    "normalised",
    "number_key",
    "parse_house_number",
    "parser_of",
    "simplified",
]
