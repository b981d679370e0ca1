"""Addresses as people write them, read into parts; no place is looked up here."""

from gisgrid.addresses.parsed import HouseNumber, NameKind, ParsedAddress, Relation, Vocabulary

__all__ = ["HouseNumber", "NameKind", "ParsedAddress", "Relation", "Vocabulary"]
