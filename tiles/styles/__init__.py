"""MapLibre styles for the tiles of this server: made from templates in data/styles, with signs of our own."""

from __future__ import annotations

from tiles.styles.making import Language, Site, StyleRequest, style_document, style_list
from tiles.styles.shipped import SPRITES, StyleEntry
from tiles.styles.sprites import Sprite, sprite

__all__ = ["SPRITES", "Language", "Site", "Sprite", "StyleEntry", "StyleRequest", "sprite", "style_document", "style_list"]
