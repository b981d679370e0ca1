"""What numbers mean in a Chinese address: door plate, building, unit, floor, room."""

from __future__ import annotations

from typing import Any, Literal

from gisgrid.addresses.numbers import LARGEST_STEP
from gisgrid.addresses.parsed import HouseNumber
from gisgrid.addresses.pieces import Piece

Last = Literal["", "road", "place", "number", "building", "unit", "floor", "room"]
_JOINTS = frozenset("至到~-、和与及")


class Door:
    """The numbers of one address as far as they were read.

    What a number means hangs on what stood before it: ``last``. ``others`` are changes of fields that make another reading.
    """

    number: HouseNumber | None = None
    building = unit = floor = room = ""
    last: Last = ""

    def __init__(self) -> None:
        self.others: list[dict[str, Any]] = []

    def take(self, piece: Piece, link: str) -> bool:
        """Take in a piece that has a number, after the joint ``link``; False when it has no place."""
        match piece.kind:
            case "number":
                return self._take_number(piece.value, link)
            case "building":
                return self._take_building(piece.value, link)
            case "dashes":
                return self._take_dashes(*piece.value)
            case "bare":
                return self._take_bare(piece.text)
            case "unit":
                self.unit = piece.value
            case "floor":
                self.floor = piece.value
            case _:
                self.room = piece.value
        self.last = piece.kind  # type: ignore[assignment]
        return True

    def _take_number(self, value: HouseNumber, link: str) -> bool:
        first = self.number
        if first is not None and self.last == "number" and link in _JOINTS and first.number < value.number <= first.number + LARGEST_STEP:
            self.number = first._replace(until=value.number)
        elif self.last == "place" and not self.building:
            self.building, self.last = _plain(value), "building"
            if first is None:
                self.others.append({"house_number": value, "building": ""})
        elif first is None:
            self.number, self.last = value, "number"
            self._other_number(value)
        elif not self.building:
            self.building, self.last = _plain(value), "building"
        elif not self.room:
            self.room, self.last = _plain(value), "room"
        else:
            return False
        return True

    def _other_number(self, value: HouseNumber) -> None:
        """1-3号 may be two plates or the third one of number 1."""
        if value.until is not None and value.until - value.number < 10:
            self.others.append({"house_number": HouseNumber(value.number, f"-{value.until}")})
        elif (
            value.suffix[:1] == "-" and value.suffix[1:].isdecimal() and value.number < int(value.suffix[1:]) < value.number + LARGEST_STEP
        ):
            self.others.append({"house_number": HouseNumber(value.number, "", int(value.suffix[1:]))})

    def _take_building(self, numbers: tuple[str, str], link: str) -> bool:
        value, until = numbers
        if self.building:
            if not value.isalpha() or self.unit:
                return False
            self.unit, self.last = value, "unit"  # 3号楼A座
            return True
        if self.last == "number" and link == "-" and self.number is not None and not self.number.suffix:
            for cut in range(1, len(value)):  # 171号-33栋: building 33, or building 3 behind 171号-3
                self.others.append({"house_number": self.number._replace(suffix=f"-{value[:cut]}"), "building": value[cut:]})
        on_a_road = self.last == "road" and self.number is None and value.isdecimal()
        self.building, self.last = value, "building"
        if until and on_a_road:  # 佛山路5-7号楼
            self.number, self.building = HouseNumber(int(value)), until
            self.others.append({"house_number": None, "building": value})
        elif on_a_road:
            # 佛山路85号楼: building 85 of the road, or number 8 and building 5 without the word between them.
            for cut in (len(value) - 1, len(value) - 2):
                if cut > 0 and value[cut] != "0":
                    self.others.append({"house_number": HouseNumber(int(value[:cut])), "building": value[cut:]})
            self.others.append({"house_number": HouseNumber(int(value)), "building": ""})
        elif until:
            self.others.append({"building": until})
        return True

    def _take_dashes(self, values: list[str], tail: str) -> bool:
        """Take in 7-2-802: building, unit and room, as many of them as there are."""
        if self.last == "road" and self.number is None:
            self._dashes_after_road(values)
        elif len(values) > 3 or (self.building and self.unit):
            self.room = "-".join(values)
        elif self.building and len(values) == 2:
            self.unit, self.room = values
        elif len(values) == 3:
            self.building, self.unit, self.room = values
        elif len(values[1]) >= 3 or tail in ("室", "户", "房"):
            self.building, self.room = values
            self.others.append({"building": "", "unit": values[0]})
        else:
            self.building, self.unit = values
        self.last = "room" if self.room else "unit"
        return True

    def _dashes_after_road(self, values: list[str]) -> None:
        """延安路7-2-802 is house 7, unit 2, room 802, or building 7 of a yard whose number was left out."""
        digits = "".join(c for c in values[0] if c.isdecimal())
        if not values[0].startswith(digits):
            self.building = "-".join(values)
            return
        house = HouseNumber(int(digits), values[0].removeprefix(digits))
        self.number = house
        if len(values) == 2 and len(values[1]) < 3:
            self.number = house._replace(suffix=f"{house.suffix}-{values[1]}")
            self.others.append({"house_number": house, "building": values[1]})
        elif len(values) == 2:
            self.room = values[1]
        elif len(values) == 3:
            self.unit, self.room = values[1:]
            self.others.append({"building": values[1], "unit": ""})
            self.others.append({"house_number": None, "building": values[0]})
        else:
            self.building, self.unit, self.room = values[1], values[2], "-".join(values[3:])

    def _take_bare(self, value: str) -> bool:
        digits = value.rstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
        if self.last == "road" and self.number is None and len(digits) < 6:
            self.number, self.last = HouseNumber(int(digits), value.removeprefix(digits)), "number"
        elif self.last == "place" and not self.building and len(digits) < 4:
            self.building, self.last = value, "building"
        elif not self.room and self._may_be_a_room(len(digits)):
            self.room, self.last = value, "room"
        else:
            return False
        return True

    def _may_be_a_room(self, digits: int) -> bool:
        if self.last == "unit":
            return True
        return digits in (3, 4) if self.last == "number" else self.last in ("building", "floor") and 2 < digits < 6


def _plain(value: HouseNumber) -> str:
    return f"{value.number}{value.suffix}"
