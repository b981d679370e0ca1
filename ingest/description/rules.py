"""One rule of a description: where the value of a field comes from, and what is done to it."""

from __future__ import annotations

import csv
from collections.abc import Collection
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from gisgrid.errors import SourceError
from ingest.dates import YEAR_FIRST, check_format
from ingest.expressions import parse_expression
from ingest.units import UnitName


class Model(BaseModel):
    """Base of all parts of a description: they do not change, and no key is passed over in silence."""

    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True)


class ClassScheme(Model):
    """A code scheme and its edition, that the class codes of a file are in."""

    scheme: str = Field(description='Code scheme, such as "CJ/T 214".')
    edition: str = Field(description='Edition of the scheme, such as "2007".')


class Rule(Model):
    """Where the value of one field comes from (a column, a constant or an expression), and what is done to it, in this order."""

    field: str | tuple[str, ...] | None = Field(
        default=None, description="Column, or columns of which the first that exists and is not blank is taken."
    )
    constant: str | int | float | None = Field(default=None, description="The same value for every row.")
    expression: str | None = Field(default=None, description='What columns are worked out to, such as "road + house_number"; see below.')
    blank: tuple[str, ...] = Field(
        default=(), description='Texts that mean "nothing", such as "无" or "00000000"; in an expression, in each of its columns.'
    )
    slice: tuple[int, int] | None = Field(default=None, description="Keep the characters from a (counted from 0) up to but without b.")
    template: str | None = Field(default=None, description='A text with one {} that the value is put into, such as "n{}".')
    values: dict[str, str] = Field(default={}, description="Value map: what the file says to what is stored.")
    values_from: str | None = Field(
        default=None, description="Value map in a CSV file beside the description, in UTF-8, with the columns `from` and `to`."
    )
    otherwise: str | None = Field(
        default=None, description="What a value that is not in `values` becomes; without it such a row is rejected."
    )
    class_names: bool = Field(
        default=False,
        description="Of `class_code`: the value is the name of a class, such as 污水井盖, 污水井 or 污水, in the row's scheme.",
    )
    crosswalk: ClassScheme | None = Field(
        default=None,
        description='Of `class_code`: the value is a code of this { scheme = "...", edition = "..." }; it becomes that of the same class '
        "in the row's own scheme.",
    )
    default: str | None = Field(default=None, description="What is stored where the file has nothing.")
    unit: UnitName | None = Field(
        default=None, description="Unit of the number in the file, such as mm, ft, rad or mu; it is converted to the unit of the field."
    )
    format: str | tuple[str, ...] | None = Field(
        default=None,
        description='Format of dates as in strptime, "excel" (serial numbers) or "epoch" (seconds since 1970), or several to try in turn; '
        "without it, year, month and day in that order.",
    )
    on_error: Literal["reject", "null"] = Field(
        default="reject", description='What a bad value does: reject its row, or ("null") be left out with a warning.'
    )

    @model_validator(mode="before")
    @classmethod
    def _values_of_file(cls, content: Any, info: ValidationInfo) -> Any:
        """Put the value map of ``values_from`` under that of ``values``, so that the rule holds all that decides."""
        if not isinstance(content, dict) or not isinstance(content.get("values_from"), str):
            return content
        folder = (info.context or {}).get("folder", Path())
        own = content.get("values", {})
        return {**content, "values": {**read_values(folder / content["values_from"]), **(own if isinstance(own, dict) else {})}}

    @field_validator("expression")
    @classmethod
    def _understood(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                parse_expression(value)
            except SourceError as error:
                raise ValueError(error.message.rstrip(".")) from None
        return value

    @field_validator("format")
    @classmethod
    def _known_format(cls, value: str | tuple[str, ...] | None) -> str | tuple[str, ...] | None:
        for format in (value,) if isinstance(value, str) else value or ():
            check_format(format)
        return value

    @model_validator(mode="after")
    def _makes_sense(self) -> Rule:
        if sum(origin is not None for origin in (self.field, self.constant, self.expression)) != 1:
            raise ValueError("give either `field` (a column) or `constant` or `expression`")
        if self.field == ():
            raise ValueError("`field` names no column")
        if self.template is not None and self.template.count("{}") != 1:
            raise ValueError("`template` needs exactly one {}")
        if self.slice is not None and not 0 <= self.slice[0] < self.slice[1]:
            raise ValueError("`slice` is [a, b] with 0 <= a < b")
        if self.otherwise is not None and not self.values:
            raise ValueError("`otherwise` needs `values`")
        if self.class_names and self.crosswalk is not None:
            raise ValueError("`class_names` and `crosswalk` exclude each other: a name is looked up in the row's own scheme")
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that the value may come from; none for a constant."""
        if self.expression is not None:
            return parse_expression(self.expression).columns
        if self.field is None:
            return ()
        return (self.field,) if isinstance(self.field, str) else self.field

    @property
    def formats(self) -> tuple[str, ...]:
        """The date formats to try, in turn."""
        if self.format is None:
            return YEAR_FIRST
        return (self.format,) if isinstance(self.format, str) else self.format

    def lacks(self, known: Collection[str]) -> tuple[str, ...]:
        """Return the columns that ``known`` must have and has not: all of an expression, one of the alternatives of ``field``."""
        missing = tuple(column for column in self.columns if column not in known)
        return missing if self.expression is not None or len(missing) == len(self.columns) else ()


def read_values(path: Path) -> dict[str, str]:
    """Return the value map in a CSV file; raises ValueError that names the file when it cannot be used."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.reader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"`values_from` {path} cannot be read: {getattr(error, 'strerror', None) or error}") from None
    if not rows or rows[0] != ["from", "to"]:
        raise ValueError(f"`values_from` {path} must be a CSV file whose first line is: from,to")
    found: dict[str, str] = {}
    for number, row in enumerate(rows[1:], 2):
        if row and (len(row) != 2 or row[0] in found):
            raise ValueError(f"`values_from` {path}, line {number}: {'given twice' if len(row) == 2 else 'not two cells'}")
        if row:
            found[row[0]] = row[1]
    return found
