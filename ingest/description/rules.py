"""One rule of a description: where the value of a field comes from, and what is done to it."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Model(BaseModel):
    """Base of all parts of a description: they do not change, and no key is passed over in silence."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ClassScheme(Model):
    """A code scheme and its edition, that the class codes of a file are in."""

    scheme: str = Field(description='Code scheme, such as "CJ/T 214".')
    edition: str = Field(description='Edition of the scheme, such as "2007".')


class Rule(Model):
    """Where the value of one field comes from: a column (``field``) or a ``constant``, and what is done to it, in this order."""

    field: str | tuple[str, ...] | None = Field(
        default=None, description="Column, or columns of which the first that exists and is not blank is taken."
    )
    constant: str | int | float | None = Field(default=None, description="The same value for every row.")
    blank: tuple[str, ...] = Field(default=(), description='Texts that mean "nothing", such as "无" or "00000000".')
    slice: tuple[int, int] | None = Field(default=None, description="Keep the characters from a (counted from 0) up to but without b.")
    template: str | None = Field(default=None, description='A text with one {} that the value is put into, such as "n{}".')
    values: dict[str, str] = Field(default={}, description="Value map: what the file says to what is stored.")
    otherwise: str | None = Field(
        default=None, description="What a value that is not in `values` becomes; without it such a row is rejected."
    )
    default: str | None = Field(default=None, description="What is stored where the file has nothing.")
    format: str | tuple[str, ...] = Field(default="%Y-%m-%d", description="Format of dates as in strptime, or several to try in turn.")
    on_error: Literal["reject", "null"] = Field(
        default="reject", description='What a bad value does: reject its row, or ("null") be left out with a warning.'
    )

    @model_validator(mode="after")
    def _one_origin(self) -> Rule:
        if (self.field is None) == (self.constant is None):
            raise ValueError("give either `field` (a column) or `constant`")
        if self.template is not None and self.template.count("{}") != 1:
            raise ValueError("`template` needs exactly one {}")
        if self.slice is not None and not 0 <= self.slice[0] < self.slice[1]:
            raise ValueError("`slice` is [a, b] with 0 <= a < b")
        if self.otherwise is not None and not self.values:
            raise ValueError("`otherwise` needs `values`")
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that the value may come from; none for a constant."""
        if self.field is None:
            return ()
        return (self.field,) if isinstance(self.field, str) else self.field

    @property
    def formats(self) -> tuple[str, ...]:
        """The date formats to try, in turn."""
        return (self.format,) if isinstance(self.format, str) else self.format
