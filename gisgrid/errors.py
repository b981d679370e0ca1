"""The exception tree: every failure that a user can meet, with what is wrong and what to do.

GisgridError                 anything that this product raises on purpose      CLI exit  HTTP
├── UsageError               the caller asked for something that cannot be       2        400
│   ├── ParameterError       a named parameter or option has a bad value         2        400
│   ├── CrsError             a coordinate system is missing, unknown or wrong    2        400
│   ├── BodyError            what was sent is not the JSON that is asked for     2        400
│   ├── RefusedError         a feature to be kept breaks a rule                  2        422
│   ├── ConflictError        a feature to be kept is in the way of another       2        409
│   ├── StaleError           what is to be changed has changed since             2        412
│   ├── SourceError          a source file or its description cannot be used     2        400
│   ├── ConfigError          a setting or a deployment file is wrong             2        -
│   └── TooLargeError        more at once than is allowed                        2        413
├── NotFoundError            the thing named does not exist                      2        404
└── UnavailableError         a part that is needed is not there now              1        503
    ├── DatabaseError        PostGIS cannot be reached or refused                1        503
    └── ClusterError         the private PostgreSQL cluster cannot be run        1        -

A bug is any other exception: it ends in a traceback and exit code 1, or in a 500 that tells nothing.
"""

from __future__ import annotations


class GisgridError(Exception):
    """Base of all errors that gisgrid raises on purpose.

    ``message`` names what is wrong, ``hint`` what to do about it (may be empty). ``exit_code`` and ``status`` are what
    the command line and HTTP answer with; ``kind`` is the stable slug in ``application/problem+json``.
    """

    exit_code = 1
    status = 500
    kind = "error"
    title = "Error"

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class UsageError(GisgridError):
    """The request, command or input cannot be carried out as it stands."""

    exit_code = 2
    status = 400
    kind = "bad-request"
    title = "Bad request"


class ParameterError(UsageError):
    """A named parameter has a value that is not allowed; ``name`` is the parameter, ``expected`` what it takes."""

    kind = "bad-parameter"
    title = "Bad parameter"

    def __init__(self, name: str, message: str, expected: str = "") -> None:
        super().__init__(f"{name}: {message}", f"Expected {expected}." if expected else "")
        self.name = name
        self.expected = expected


class CrsError(ParameterError):
    """A coordinate system is missing, unknown, or cannot hold the coordinates given."""

    kind = "bad-crs"
    title = "Bad coordinate system"

    def __init__(self, message: str, expected: str = "", name: str = "crs") -> None:
        super().__init__(name, message, expected)


class BodyError(UsageError):
    """What was sent is not the JSON that is asked for."""

    kind = "bad-body"
    title = "Bad request body"


class RefusedError(ParameterError):
    """A feature that is to be kept breaks a rule; ``name`` is the field, the sentence and its hint are for people."""

    status = 422
    kind = "refused"
    title = "Refused"

    def __init__(self, name: str, message: str, hint: str = "") -> None:
        GisgridError.__init__(self, message, hint)
        self.name = name
        self.expected = ""


class ConflictError(RefusedError):
    """A feature that is to be kept is in the way of another: its code is taken, or its place."""

    status = 409
    kind = "conflict"
    title = "Conflict"


class StaleError(UsageError):
    """What is to be changed is not any more what the caller has seen."""

    status = 412
    kind = "changed-since"
    title = "Changed since"


class SourceError(UsageError):
    """A source file, or the description of it, cannot be used."""

    kind = "bad-source"
    title = "Bad source"


class ConfigError(UsageError):
    """A setting or a deployment file is wrong."""

    kind = "bad-config"
    title = "Bad configuration"


class TooLargeError(UsageError):
    """A request, or what it holds, is larger than is allowed."""

    status = 413
    kind = "too-large"
    title = "Content too large"


class NotFoundError(GisgridError):
    """The layer, tile, area or file named does not exist."""

    exit_code = 2
    status = 404
    kind = "not-found"
    title = "Not found"


class UnavailableError(GisgridError):
    """A part that is needed for the answer is not there now; trying again later may help."""

    status = 503
    kind = "unavailable"
    title = "Unavailable"


class DatabaseError(UnavailableError):
    """PostGIS cannot be reached, or refused what was asked of it."""

    kind = "database-unavailable"
    title = "Database unavailable"


class ClusterError(UnavailableError):
    """The private PostgreSQL cluster cannot be made, started or stopped."""

    kind = "cluster"
    title = "Private cluster"
