"""Sentences for people, in Chinese and in English."""

from __future__ import annotations

from typing import NamedTuple


class Words(NamedTuple):
    """One sentence in both languages."""

    zh: str
    en: str

    def as_document(self) -> dict[str, str]:
        """Return the sentence as answers have it."""
        return {"zh": self.zh, "en": self.en}
