"""A PostgreSQL server for the tests of one process: as quick as one may be of which nothing need outlive the machine."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from gisgrid.db.cluster import Cluster
from gisgrid.errors import ClusterError

_CHECKOUT = Path(__file__).resolve().parent.parent
_MEMORY = Path("/dev/shm")
_ROOM = 6 * 2**30

_SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    # Where there is no disk, what is kept of the log is memory.
    "max_wal_size": "256MB",
}


@contextmanager
def quick_server() -> Iterator[str]:
    """Make a server for a block and give its address; all of it is removed at the end, and what killed runs have left before."""
    _sweep(_homes())
    with quick_home() as home:
        cluster = Cluster(home, "gisgrid", shared_buffers="128MB")
        try:
            cluster.start()
            _hasten(cluster.url)
            cluster.stop()  # some settings need a start
            cluster.start()
            yield cluster.url
        finally:
            cluster.stop()
    with suppress(OSError):  # another worker's is there
        home.parent.rmdir()


@contextmanager
def quick_home() -> Iterator[Path]:
    """Give a folder for a block in which a server may be made and will not wait for a disk, whatever its settings are."""
    home = _homes() / f"{os.getpid()}-{secrets.token_hex(4)}"
    home.mkdir(parents=True)
    try:
        yield home
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _homes() -> Path:
    """Return where servers of tests are kept: in memory where there is much of it, else in the checkout.

    Databases come and go by the hundred, of hundreds of files each; ext4 passes over the inodes of files removed within the
    last seconds one by one when it looks for a free one, so that making a database takes ever longer.
    """
    with suppress(OSError):
        room = os.statvfs(_MEMORY)
        if room.f_bavail * room.f_frsize > _ROOM and os.access(_MEMORY, os.W_OK):
            return _MEMORY / f"gisgrid-test-{os.getuid()}"
    return _CHECKOUT / ".gisgrid" / "test"


def _sweep(homes: Path) -> None:
    """Stop and remove what test runs that were killed have left."""
    for home in homes.glob("*"):
        pid = re.match(r"(\d+)(-|$)", home.name)
        if pid and not Path("/proc", pid[1]).exists():
            with suppress(ClusterError):  # another worker of this run may be at it too
                Cluster(home).stop()
            shutil.rmtree(home, ignore_errors=True)


def _hasten(url: str) -> None:
    """Set what makes a server quick: nothing waits for the disk, connecting costs little, PostGIS is loaded once."""
    settings = dict(_SETTINGS)
    with psycopg.connect(url, autocommit=True) as connection:
        with suppress(psycopg.Error):  # another PostGIS, which each connection then loads for itself
            connection.execute("LOAD 'postgis-3'")
            settings["shared_preload_libraries"] = "postgis-3"
        for name, value in settings.items():
            connection.execute(sql.SQL("ALTER SYSTEM SET {} = {}").format(sql.Identifier(name), sql.Literal(value)))
        known = conninfo_to_dict(url)
        verifier = sql.Literal(_verifier(str(known["password"])))
        connection.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(str(known["user"])), verifier))


def _verifier(password: str) -> str:
    """Return what PostgreSQL keeps of a password, hashed once instead of 4,096 times: half of what a connection costs a client.

    In the form of RFC 5803; a wrong password is still refused.
    """
    salt = secrets.token_bytes(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, 1)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    salt_text, stored_text, server_text = (base64.b64encode(part).decode() for part in (salt, stored, server))
    return f"SCRAM-SHA-256$1:{salt_text}${stored_text}:{server_text}"
