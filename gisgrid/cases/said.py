"""A sentence for people, in Chinese and in English."""

from __future__ import annotations

from typing import NamedTuple


class Said(NamedTuple):
    """The same sentence in Chinese and in English."""

    zh: str
    en: str

    def document(self) -> dict[str, str]:
        """Return it as documents have it."""
        return {"zh": self.zh, "en": self.en}
