"""Reads addresses of street and number: ``Mannerheimintie 12 B 34, 00100 Helsinki``; or of number and street: ``12 Main Street``."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from gisgrid.addresses.characters import normal_name
from gisgrid.addresses.names import Names
from gisgrid.addresses.numbers import is_range
from gisgrid.addresses.parsed import HouseNumber, NameKind, ParsedAddress, Relation, RelationKind, Vocabulary
from gisgrid.addresses.readings import LONGEST, readings
from gisgrid.addresses.relations import stronger

_NOISE = re.compile(
    r"(?P<phone>(?:\b(?:puh(?:elin)?|tel|phone|gsm|mob)\b[.:]*\s*)?(?<![\d-])"
    r"(?=(?:[+\s()-]{0,2}\d){7})(?:\+\d{1,3}|0\d{1,3})[\s-]?\(?\d{1,4}\)?(?:[\s-]?\d{2,4}){1,3}(?!\d))"
    r"|(?P<person>\b(?:c/o|attn?:|att:)[^,\n]*|[\w.+-]{1,64}@[\w-]{1,64}\.[\w.]{1,64})",
    re.IGNORECASE,
)
_COMMAS = re.compile(r"\s*[,\n;]\s*(?:[,;\n]\s*)*")
_PIECES = re.compile(
    r"(?P<postcode>(?:[A-Z]{1,2}-)?\d{5}\b|\d{4} ?[A-Z]{2}\b(?= [A-Z]|$))"
    r"|(?P<unit>(?:RAPPU|PORRAS|UPPGANG|STAIR(?:CASE|WAY)?|ENTRANCE)\.? ?([A-Z]|\d{1,2})\b)"
    r"|(?P<room>(?:ASUNTO|AS|LAGENHET|LGH|BOSTAD|BST|HUONEISTO|HUONE|APARTMENT|APT|FLAT|UNIT|SUITE|ROOM|#)\.? ?(\d{1,4}[A-Z]?)\b)"
    r"|(?P<floor>(\d{1,2})(?:\.|[SNRT][TDH])? ?(?:KRS|KERROS|VAN|VANINGEN|TR|FLOOR|FL|ETAGE|VERDIEPING|OG)\b\.?"
    r"|(?:FLOORS?|LEVEL|KERROS|TASO)[ -]{0,2}(\d{1,2}|[A-Z])\b)"
    r"|(?P<number>(\d{1,4})([A-Z])?(?: ?[-/] ?(\d{1,4}))?\b(?!\. [A-Z]{3})(?! ?(?:STREET|AVENUE|[SNRT][TDH])\b)"
    r"(?: ([A-Z])(?![A-Z.]))?(?: ?(\d{1,4}[A-Z]?)\b(?! [A-Z]{3}|\. ))?)"
    r"|(?P<cross>(?:RISTEYS|RISTEYKSE|KULMA|KORSNING|HORNET)[A-Z]*|(?:CORNER|INTERSECTION|JUNCTION|CROSSING)(?: OF)?\b)"
    r"|(?P<opposite>(?:VASTAPAATA|MITTEMOT|OPPOSITE(?: TO)?|ACROSS FROM|TEGENOVER|GEGENUBER)\b)"
    r"|(?P<near>(?:LAHELLA|VIERESSA|LUONA|NARA|INTILL|NEAR(?: TO)?|NEXT TO|CLOSE TO|BESIDE|NAAST|NEBEN)\b)"
    r"|(?P<at>(?:EDESSA|EDUSTALLA|PIHALLA|SISAPIHA|PIHA|INNER YARD|COURTYARD|INNERGARD(?:EN)?|FRAMFOR|IN FRONT OF|OUTSIDE|AT)\b)"
    r"|(?P<joint>(?:JA|OCH|AND|EN|UND|ET)\b|[/&+])"
    r"|(?P<stop>[^A-Z0-9]+)"
)
_ROAD_END = re.compile(
    r"(?:KATU|TIE|KUJA|POLKU|KAARI|RINNE|PENGER|RANTA|VAYLA|RAITTI|ESPLANADI|BULEVARDI|PUISTIKKO|AUKIO|GATAN|VAGEN|GRAND|STIGEN|ALLEN|KAJEN|ESPLANADEN"
    r"|STREET|ROAD|AVENUE|LANE|DRIVE|SQUARE|BOULEVARD|TERRACE|STRASSE|WEG|ALLEE|PLATZ|STRAAT|LAAN|PLEIN|KADE|DIJK|GRACHT)$"
)
_FORMS = (
    # Names of roads in short, and in the cases of Finnish (Aleksanterinkadun ja Mannerheimintien risteys).
    (re.compile(r"(?<=[A-Z]{3})KADU(?:N|LLA|LTA)\b"), "KATU"),
    (re.compile(r"(?<=[A-Z]{3})(TIE|KUJA|TORI)(?:N|LLA|LTA)\b"), r"\1"),
    (re.compile(r"(?<=[A-Z]{3})POLU(?:N|LLA)\b"), "POLKU"),
    (re.compile(r"(?<=[A-Z]{4})K\.(?=[ ,]|$)"), "KATU"),
    (re.compile(r"(?<=[A-Z]{4})T\.(?=[ ,]|$)"), "TIE"),
    (re.compile(r"(?<=[A-Z]{4})G\.(?=[ ,]|$)"), "GATAN"),
    (re.compile(r"(?<=[A-Z]{4})V\.(?=[ ,]|$)"), "VAGEN"),
    (re.compile(r"(?<=[A-Z]{3})STR\.(?=[ ,]|$)"), "STRASSE"),
    (re.compile(r"(?<=[A-Z] )ST\.?(?=,|$)"), "STREET"),
    (re.compile(r"(?<=[A-Z] )RD\.?(?=,|$)"), "ROAD"),
    (re.compile(r"(?<=[A-Z] )AVE\.?(?=,|$)"), "AVENUE"),
)
_WORD = re.compile(r"[A-Z0-9][A-Z0-9.\-]*")
_RELATIONS: dict[str, RelationKind] = {"opposite": "opposite", "near": "near", "at": "at"}


class WesternParser:
    """Reads addresses that begin with the street, or with the number and the street; the city stands at the end or not at all."""

    def __init__(self, cities: Iterable[str] = (), districts: Iterable[str] = ()) -> None:
        self._cities = tuple(cities)
        larger: dict[str, tuple[NameKind, ...]] = dict.fromkeys(districts, ("district",))
        self._larger = Names({**larger, **dict.fromkeys(self._cities, ("city",))})

    def parse(self, text: str, names: Vocabulary) -> tuple[ParsedAddress, ...]:
        """Return the readings of an address, the best first, four at most; one that is empty when there is nothing in it."""
        dropped: set[str] = set()

        def leave_out(found: re.Match[str]) -> str:
            dropped.add(found.lastgroup or "")
            return ","

        readable = _COMMAS.sub(", ", " ".join(_NOISE.sub(leave_out, text[:LONGEST]).split())).strip(", ")
        plain = normal_name(readable)
        for pattern, whole in _FORMS:
            plain = pattern.sub(whole, plain)
        draft = _Draft()
        for part in plain.split(","):
            draft.read(part.strip(), names, self._larger)
        if len(text) > LONGEST:
            draft.lost.append("…")
        parts, others = draft.readings()
        return readings(ParsedAddress(readable, dropped=tuple(sorted(dropped)), **parts), others)


class _Draft:
    """What has been read of one address; its parts are read one after the other."""

    def __init__(self) -> None:
        self.fields: dict[str, str] = {}
        self.number: HouseNumber | None = None
        self.roads: list[str] = []
        self.lost: list[str] = []
        self._others: list[dict[str, Any]] = []
        self._numbered = -1
        self._relation: Relation | None = None
        self._crossed = self._joined = self._city_follows = self._number_waits = False
        self._run: list[str] = []

    def read(self, part: str, names: Vocabulary, larger: Vocabulary) -> None:
        """Read what stands between two commas."""
        position = 0
        self._city_follows = self._number_waits = self._joined = False
        while position < len(part):
            known = _whole_words(part, position, names) or _whole_words(part, position, larger)
            match = _PIECES.match(part, position)
            if known is not None and (match is None or known[0] >= match.end()):
                self._flush(known_follows=True)
                self._take(part[position : known[0]], known[1])
                position = known[0]
            elif match is not None:
                self._piece(match)
                position = match.end()
            else:
                word = _WORD.match(part, position)
                end = position + 1 if word is None else word.end()
                self._run.append(part[position:end])
                position = end
        self._flush()

    def readings(self) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """Return the fields of a parsed address, and changes of them that make other readings."""
        roads = list(dict.fromkeys(self.roads))
        crossing = len(roads) > 1 and self.number is None and not self.fields.get("name")
        if self.number is not None and 0 < self._numbered < len(self.roads):
            on = self.roads[self._numbered]
            roads = [on, *(road for road in roads if road != on)]
        if len(roads) == 1 and self._crossed and self._relation is None:
            self._relation = Relation("crossing", "near")
        others = self._others
        if not self.fields.get("name"):
            names = [text for text in self.lost if len(text) > 2 and not text.isdecimal()]
            others = [*others, *({"name": name, "not_understood": tuple(text for text in self.lost if text != name)} for name in names)]
        return {
            **self.fields,
            "roads": tuple(roads),
            "is_crossing": crossing,
            "house_number": self.number,
            "relation": self._relation,
            "not_understood": tuple(self.lost),
        }, others

    def _take(self, text: str, kinds: frozenset[NameKind]) -> None:
        if self._city_follows and "city" in kinds:
            self.fields["city"] = text
        elif "road" in kinds and (not self.roads or self._joined or self._crossed or len(kinds) == 1):
            self._road(text)
            rest = [kind for kind in ("place", "street", "community", "city", "district") if kind in kinds]
            self._others.extend({"roads": (), "name" if kind == "place" else kind: text} for kind in rest[:2])
        else:
            kind = next((kind for kind in ("place", "community", "street", "district", "city", "province") if kind in kinds), "place")
            self.fields["name" if kind == "place" else kind] = text

    def _road(self, text: str) -> None:
        self.roads.append(text)
        if self._number_waits:
            self._numbered, self._number_waits = len(self.roads) - 1, False

    def _piece(self, match: re.Match[str]) -> None:
        kind, text = match.lastgroup or "", match.group()
        if kind == "stop" and not text.strip(" "):
            return
        self._flush(number_follows=kind == "number")
        values = [value for value in match.groups() if value is not None]
        if kind == "postcode":
            self._city_follows = True
        elif kind in ("unit", "room", "floor"):
            self.fields[kind] = values[1]
        elif kind == "number":
            self._take_number(match)
        elif kind == "joint":
            self._joined = True
        elif kind == "cross":
            self._crossed = True
        elif kind in _RELATIONS:
            self._relation = stronger(self._relation, Relation(text.lower(), _RELATIONS[kind]))

    def _take_number(self, match: re.Match[str]) -> None:
        first = match.re.groupindex["number"] + 1
        digits, letter, second, stair, flat = match.group(*range(first, first + 5))
        if self.number is not None:
            self.lost.append(match.group())
            return
        number, suffix, until = int(digits), letter or "", None
        if second and (is_range(number, int(second)) or number < int(second) <= number + 4):
            until = int(second)
        elif second:
            suffix += f"-{int(second)}"
        self.number = HouseNumber(number, suffix, until)
        self._numbered, self._number_waits = len(self.roads) - 1, not self.roads
        if stair:  # 12 B is stairway B of number 12, or number 12 B
            self.fields["unit"] = stair
            self._others.append({"house_number": HouseNumber(number, suffix + stair, until), "unit": ""})
        elif letter and not second:
            self._others.append({"house_number": HouseNumber(number), "unit": letter})
        if flat:
            self.fields["room"] = flat

    def _flush(self, *, number_follows: bool = False, known_follows: bool = False) -> None:
        """Decide what the words are that nothing is known of."""
        if not self._run:
            return
        text = " ".join(self._run)
        self._run = []
        if self._city_follows:
            self.fields["city"] = text
        elif self._number_waits or number_follows or (_ROAD_END.search(text) and not known_follows):
            self._road(text)
        else:
            self.lost.append(text)


def _whole_words(text: str, start: int, names: Vocabulary) -> tuple[int, frozenset[NameKind]] | None:
    """Return the longest known name that begins at ``start`` and ends with a word."""
    if start and text[start - 1].isalnum():
        return None
    return next((found for found in names.names_at(text, start) if not text[found[0] : found[0] + 1].isalnum()), None)
