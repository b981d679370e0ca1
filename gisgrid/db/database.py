"""A handle on the PostGIS database: where it is, how to connect, what to say when that fails."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import errors as pg_errors
from psycopg import pq
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from gisgrid.db.cluster import Cluster
from gisgrid.errors import ConfigError, DatabaseError
from gisgrid.settings import Settings

if TYPE_CHECKING:
    from sqlalchemy import Engine

_START_HINT = "Start it (`gisgrid db start` for the private cluster), or set GISGRID_DATABASE_URL to a server that runs."
_OLD_SCHEMA = (pg_errors.UndefinedTable, pg_errors.UndefinedColumn, pg_errors.InvalidSchemaName)
# A server that has vanished without a word is given up after about a minute, not after hours.
_DEFAULTS = {
    "application_name": "gisgrid",
    "connect_timeout": "5",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "60000",
}


class Database:
    """One PostGIS database by its URL (``postgresql://user:password@host:port/name``); nothing is opened until asked for.

    Raises ConfigError when the URL cannot be read. The password appears in no message and not in ``repr``.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._parts = _parse(url)

    @property
    def address(self) -> str:
        """Host, port and database as ``host:port/name``, without user and password."""
        host = self._parts.get("host") or self._parts.get("hostaddr") or "localhost"
        return f"{host}:{self._parts.get('port') or 5432}/{self._parts.get('dbname') or self._parts.get('user') or ''}"

    def __repr__(self) -> str:
        return f"Database({self.address})"

    def conninfo(self) -> str:
        """Return the connection string with gisgrid's defaults added (application name, how long to wait); holds the password."""
        return make_conninfo(self.url, **{name: value for name, value in _DEFAULTS.items() if name not in self._parts})

    def libpq_environment(self) -> dict[str, str]:
        """Return the environment variables by which PostgreSQL's own programs find this database; holds the password."""
        variables = {option.keyword.decode(): option.envvar.decode() for option in pq.Conninfo.get_defaults() if option.envvar}
        return {variables[name]: str(value) for name, value in self._parts.items() if name in variables}

    @contextmanager
    def connect(self) -> Iterator[psycopg.Connection]:
        """Open a connection for a block: committed at its end, rolled back when it raises, closed in any case.

        Raises DatabaseError that names host, port and database when there is no connection to be had, when it breaks,
        or when the database has not been migrated.
        """
        connection = self._open()
        try:
            with connection:
                yield connection
        except (psycopg.OperationalError, psycopg.InterfaceError, *_OLD_SCHEMA) as error:
            raise explained(error, self.address) from error
        finally:
            # The driver leaves it open when it is the end of the transaction that fails.
            connection.close()

    def engine(self) -> Engine:
        """Return a SQLAlchemy engine without a pool; connecting raises DatabaseError as ``connect`` does."""
        # Only migrations need it, and it takes longer to import than a lookup does.
        from sqlalchemy import create_engine  # noqa: PLC0415
        from sqlalchemy.pool import NullPool  # noqa: PLC0415

        return create_engine("postgresql+psycopg://", creator=self._open, poolclass=NullPool)

    def _open(self) -> psycopg.Connection:
        try:
            return psycopg.connect(self.conninfo())
        except psycopg.Error as error:
            raise DatabaseError(f"The database at {self.address} cannot be reached: {first_line(error)}", _START_HINT) from error


@contextmanager
def transaction(connection: psycopg.Connection, promise: str = "") -> Iterator[None]:
    """Open a transaction for a block, or a savepoint when one is open; every error of the database becomes a DatabaseError.

    ``promise`` is a sentence on what the caller can rely on after a failure; it ends the hint.
    """
    address = _address(connection)
    try:
        with connection.transaction():
            yield
    except psycopg.Error as error:
        raise explained(error, address, promise) from error


def explained(error: psycopg.Error, address: str, promise: str = "") -> DatabaseError:
    """Return the DatabaseError that says what befell the database at ``address``, and what to do about it."""
    what, todo = first_line(error), ""
    if isinstance(error, pg_errors.DiskFull):
        message, todo = f"The disk of the database at {address} is full: {what}", "Make room there, then repeat the command."
    elif isinstance(error, _OLD_SCHEMA):
        message, todo = f"The database at {address} lacks tables or columns of gisgrid: {what}", "Run `gisgrid db migrate`."
    elif isinstance(error, psycopg.InterfaceError) or (isinstance(error, psycopg.OperationalError) and _is_lost(error)):
        message, todo = f"The connection to the database at {address} failed: {what}", f"{_START_HINT} Then repeat the command."
    else:
        message = f"The database at {address} refused: {what}"
    return DatabaseError(message, f"{todo} {promise}".strip())


def _is_lost(error: psycopg.OperationalError) -> bool:
    """Say whether the connection is gone, and not just this statement: the driver says so itself, or the server on shutting down."""
    return error.sqlstate is None or error.sqlstate.startswith(("08", "57P"))


def _address(connection: psycopg.Connection) -> str:
    try:
        return f"{connection.info.host}:{connection.info.port}/{connection.info.dbname}"
    except psycopg.OperationalError:
        return "an address that is not known any more"  # the connection is closed


def _parse(url: str) -> dict[str, Any]:
    try:
        parts = conninfo_to_dict(url)
        # A password with / or @ in it is cut there, and its rest taken for host, port or name.
        is_sound = "@" not in f"{parts.get('host')}{parts.get('dbname')}" and re.fullmatch(r"[\d,]*", str(parts.get("port") or ""))
    except psycopg.Error:
        is_sound = None
    if not is_sound:
        # Without the driver's own message, which may quote the URL and with it the password.
        raise ConfigError(
            "The address of the database cannot be read.",
            "GISGRID_DATABASE_URL takes postgresql://user:password@host:port/name, with %2F for / and %40 for @ in the password.",
        )
    return parts


def first_line(error: BaseException) -> str:
    """Return the first line of an error's message, which is where PostgreSQL says what happened."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def open_database(settings: Settings) -> Database:
    """Return the database of ``settings``: the server it names, or the private cluster, which is started if need be.

    Raises ConfigError for an unreadable URL and ClusterError when the private cluster cannot be run. A server named by
    URL is not contacted here.
    """
    if settings.database_url:
        return Database(settings.database_url)
    cluster = Cluster(settings.home, settings.database_name)
    cluster.start()
    return Database(cluster.url)
