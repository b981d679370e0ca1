"""The private PostgreSQL cluster: made in a folder of the checkout, started and stopped by gisgrid, touching nothing else."""

from __future__ import annotations

import fcntl
import json
import logging
import os
import secrets
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import psycopg
from psycopg import sql

from gisgrid.db.server_programs import Owner, Programs, find_owner, find_programs
from gisgrid.errors import ClusterError

logger = logging.getLogger(__name__)

USER = "gisgrid"
_HOST = "127.0.0.1"
_PORTS = range(20_000, 30_000)  # below the range from which outgoing connections take theirs
_START_TIMEOUT_S = 60
_STOP_TIMEOUT_S = 60
_START_TRIES = 5
_SOCKET_PATH_MAX = 107
_LOG_TAIL_LINES = 15
_ROOM_IN_SHM = 256 * 2**20

_TUNING = """\
# Written by gisgrid at each start: changes made here are lost.
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = '{socket_dir}'
# Without "$user", which would be the schema gisgrid: statements must name it, as they must on any other server.
search_path = 'public'
password_encryption = 'scram-sha-256'
max_connections = 200
# For a machine with two cores and 4 GB or more. Durability is left as it is: fsync and synchronous_commit stay on.
shared_buffers = '{shared_buffers}'
effective_cache_size = '1GB'
work_mem = '32MB'
maintenance_work_mem = '128MB'
max_wal_size = '2GB'
checkpoint_timeout = '15min'
wal_compression = on
random_page_cost = 1.1
# Compiling takes longer than the short geometry queries that this cluster is asked.
jit = off
{shared_memory}
timezone = 'UTC'
log_timezone = 'UTC'
log_checkpoints = off
log_line_prefix = '%m [%p] '
"""


class ClusterStatus(NamedTuple):
    """Whether the cluster has been made, whether it runs, as which process and where."""

    exists: bool
    running: bool
    pid: int | None
    port: int | None
    folder: Path


class _Access(NamedTuple):
    port: int
    password: str


class Cluster:
    """A PostgreSQL cluster of our own in ``home``; nothing is made or started until asked for.

    The files of the server are in ``home/pg``; port and password in ``home/cluster.json``, which only its owner can
    read. The server listens on 127.0.0.1 and asks for the password. Run by root, it works as the user ``postgres``.
    """

    def __init__(self, home: Path, database_name: str = "gisgrid", shared_buffers: str = "256MB") -> None:
        self.home = Path(home).absolute()
        self.database_name = database_name
        self.folder = self.home / "pg"
        self._data = self.folder / "data"
        self._log = self.folder / "server.log"
        self._access_file = self.home / "cluster.json"
        self._shared_buffers = shared_buffers

    @property
    def url(self) -> str:
        """The address of the database with user and password; raises ClusterError when the cluster has not been made."""
        return self._url(self.database_name)

    def status(self) -> ClusterStatus:
        """Return what there is, without changing or starting anything."""
        access = self._read_access()
        pid = self._server_pid()
        return ClusterStatus(self._exists(), pid is not None, pid, access.port if access else None, self.folder)

    def start(self) -> bool:
        """Make the cluster if there is none, start it if it is down, make the database if it is missing.

        Returns whether the server had to be started. Safe to call from several processes at once. Raises ClusterError
        that says what to install or ends with the tail of the server's log.
        """
        with self._locked():
            started = not self._runs_and_answers()
            if started:
                programs = find_programs(self._made_with())
                owner = find_owner(self.folder)
                if not self._exists():
                    self._make(programs, owner)
                self._launch(programs, owner)
            self._make_database()
            return started

    def stop(self) -> bool:
        """Stop the server, ending its connections; return whether it was running. Raises ClusterError if it will not stop."""
        if not self._exists():
            return False
        with self._locked():
            if self._server_pid() is None:
                return False
            programs = find_programs(self._made_with())
            result = find_owner(self.folder).run(
                programs.path("pg_ctl"), "stop", "-D", self._data, "-m", "fast", "-w", "-t", str(_STOP_TIMEOUT_S), folder=self.folder
            )
            if result.returncode != 0:
                raise ClusterError(f"The private cluster in {self.folder} did not stop: {result.stderr.strip()}", self._log_tail())
            return True

    # --- making ---

    def _exists(self) -> bool:
        try:
            return (self._data / "PG_VERSION").is_file() and self._access_file.is_file()
        except PermissionError:
            raise self._foreign() from None

    def _made_with(self) -> int | None:
        try:
            return int((self._data / "PG_VERSION").read_text())
        except (FileNotFoundError, ValueError):
            return None
        except PermissionError:
            raise self._foreign() from None

    def _make(self, programs: Programs, owner: Owner) -> None:
        logger.info("Making a private PostgreSQL %d cluster in %s", programs.major, self.folder)
        password = secrets.token_urlsafe(24)
        self.folder.mkdir(mode=0o700, exist_ok=True)
        owner.give(self.folder)
        # initdb refuses a folder with files in it: what an initdb that was cut short has left is moved out of its way.
        if self._data.exists():
            self._data.rename(self._data.with_name(f"data.unfinished.{int(time.time())}"))
        password_file = self.folder / "password"
        password_file.touch(mode=0o600)
        password_file.write_text(password)
        owner.give(password_file)
        try:
            self._init_data(programs, owner, password_file)
        finally:
            password_file.unlink()
        self._write_access(_Access(_free_port(), password))

    def _init_data(self, programs: Programs, owner: Owner, password_file: Path) -> None:
        for locale in ("C.UTF-8", "C"):
            result = owner.run(
                *(programs.path("initdb"), "-D", self._data, "--username", USER, "--pwfile", password_file),
                *("--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", locale),
                folder=self.folder,
            )
            if result.returncode == 0 or "locale" not in result.stderr:
                break
        if result.returncode != 0:
            raise ClusterError(
                f"initdb failed in {self._data}: {result.stderr.strip()}", "Is there room on the disk, and may it be written?"
            )
        configuration = self._data / "postgresql.conf"
        with configuration.open("a", encoding="utf-8") as file:
            file.write("\ninclude 'gisgrid.conf'\n")

    def _make_database(self) -> None:
        with psycopg.connect(self._url("postgres"), autocommit=True) as connection:
            found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [self.database_name]).fetchone()
            if found is None:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(self.database_name)))

    # --- running ---

    def _launch(self, programs: Programs, owner: Owner) -> None:
        self._remove_stale_locks()
        for _ in range(_START_TRIES):
            self._settle_port()
            self._configure(owner)
            before = self._log.stat().st_size if self._log.exists() else 0
            result = owner.run(
                *(programs.path("pg_ctl"), "start", "-D", self._data, "-l", self._log),
                *("-w", "-t", str(_START_TIMEOUT_S)),
                folder=self.folder,
            )
            if result.returncode == 0:
                return
            said = self._log_since(before)
            # The first: another process took the port between the look and the start. The second: processes of a
            # server that was killed are still going away.
            if "could not bind" not in said and "shared memory block" not in said:
                break
            time.sleep(0.5)
        raise ClusterError(f"The private cluster in {self.folder} did not start.", f"The end of its log {self._log}:\n{self._log_tail()}")

    def _settle_port(self) -> None:
        access = self._need_access()
        if _port_is_free(access.port):
            return
        other = _free_port()
        logger.warning("Port %d, which the private cluster had, is taken by another process; it now takes %d", access.port, other)
        self._write_access(_Access(other, access.password))

    def _configure(self, owner: Owner) -> None:
        socket_dir = self.folder / "run"
        if len(os.fsencode(socket_dir / ".s.PGSQL.65535.lock")) > _SOCKET_PATH_MAX:
            socket_dir_text = ""  # the system allows no longer path: TCP alone will do
        else:
            socket_dir.mkdir(mode=0o700, exist_ok=True)
            owner.give(socket_dir)
            socket_dir_text = str(socket_dir).replace("'", "''")
        text = _TUNING.format(
            port=self._need_access().port,
            socket_dir=socket_dir_text,
            shared_buffers=self._shared_buffers,
            shared_memory="" if _shm_is_roomy() else "dynamic_shared_memory_type = 'mmap'",
        )
        path = self._data / "gisgrid.conf"
        path.write_text(text, encoding="utf-8")
        owner.give(path)

    def _runs_and_answers(self) -> bool:
        """Say whether the server runs, waiting until it answers; one that ends meanwhile does not run."""
        deadline = time.monotonic() + _START_TIMEOUT_S
        while self._server_pid() is not None:
            try:
                psycopg.connect(self._url("postgres"), connect_timeout=5).close()
                return True
            except psycopg.OperationalError as error:
                if time.monotonic() > deadline:
                    raise ClusterError(
                        f"The private cluster in {self.folder} runs but does not answer: {error}",
                        f"Stop it with `gisgrid db stop` and try again. The end of its log:\n{self._log_tail()}",
                    ) from error
                time.sleep(0.1)
        return False

    def _server_pid(self) -> int | None:
        """Return the process that serves our data folder, or None."""
        pid = self._locked_by()
        return pid if pid is not None and _is_alive(pid) and _works_in(pid, self._data) else None

    def _locked_by(self) -> int | None:
        """Return the process that the server's lock file names, dead or alive; None without a readable file."""
        try:
            return int((self._data / "postmaster.pid").read_text().splitlines()[0])
        except (FileNotFoundError, NotADirectoryError, IndexError, ValueError):
            return None
        except PermissionError:
            raise self._foreign() from None

    def _remove_stale_locks(self) -> None:
        # PostgreSQL copes with the locks of a dead server by itself, and looks for its remaining processes by them. Not
        # so when the number of the dead server lives on: in another process of that user, or unburied in a container.
        pid = self._locked_by()
        if pid is not None and _is_alive(pid):
            logger.info("Removing the locks of process %d, which is not the private cluster's any more", pid)
            for path in (self._data / "postmaster.pid", *(self.folder / "run").glob(".s.PGSQL.*")):
                path.unlink(missing_ok=True)

    # --- access ---

    def _url(self, database: str) -> str:
        access = self._need_access()
        return f"postgresql://{USER}:{access.password}@{_HOST}:{access.port}/{database}"

    def _need_access(self) -> _Access:
        access = self._read_access()
        if access is None:
            raise ClusterError(f"There is no private cluster in {self.folder} yet.", "`gisgrid db start` makes it.")
        return access

    def _read_access(self) -> _Access | None:
        try:
            content = json.loads(self._access_file.read_text(encoding="utf-8"))
            return _Access(int(content["port"]), str(content["password"]))
        except FileNotFoundError:
            return None
        except PermissionError:
            raise self._foreign() from None
        except (ValueError, KeyError, TypeError) as error:
            raise ClusterError(
                f"{self._access_file} cannot be read: {error}", "Remove it together with the folder pg beside it."
            ) from error

    def _write_access(self, access: _Access) -> None:
        temporary = self._access_file.with_suffix(".tmp")
        temporary.unlink(missing_ok=True)
        temporary.touch(mode=0o600)
        temporary.write_text(json.dumps(access._asdict()), encoding="utf-8")
        temporary.replace(self._access_file)

    def _foreign(self) -> ClusterError:
        return ClusterError(
            f"The private cluster in {self.folder} belongs to another user.",
            "Run this as that user, set GISGRID_HOME to a folder of your own, or GISGRID_DATABASE_URL to a server.",
        )

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            self.home.mkdir(parents=True, exist_ok=True)
            lock = (self.home / "cluster.lock").open("a")
        except OSError as error:
            raise ClusterError(
                f"The folder {self.home} cannot be written: {error.strerror}.", "GISGRID_HOME takes another folder."
            ) from error
        with lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _log_since(self, offset: int) -> str:
        try:
            with self._log.open("rb") as file:
                file.seek(offset)
                return file.read().decode("utf-8", "replace")
        except FileNotFoundError:
            return ""

    def _log_tail(self) -> str:
        return "\n".join(self._log_since(0).splitlines()[-_LOG_TAIL_LINES:])


def _is_alive(pid: int) -> bool:
    """Say whether there is a process ``pid``; one that has ended but was not buried by its parent counts."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _works_in(pid: int, data: Path) -> bool:
    """Say whether process ``pid`` is a server at work in ``data``, as far as the system tells."""
    process = Path("/proc") / str(pid)
    if not Path("/proc/self").exists():
        return True  # macOS: the number alone must do
    try:
        if "\nState:\tZ" in (process / "status").read_text():
            return False
        return (process / "cwd").readlink() == data.resolve()
    except PermissionError:
        return (process / "comm").read_text().startswith("postgres")
    except (FileNotFoundError, ProcessLookupError):
        return False


def _port_is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_HOST, port))
        except OSError:
            return False
    return True


def _free_port() -> int:
    for _ in range(200):
        port = secrets.choice(_PORTS)
        if _port_is_free(port):
            return port
    raise ClusterError("No free TCP port was found on 127.0.0.1.", f"Free one of {_PORTS.start} to {_PORTS.stop - 1}.")


def _shm_is_roomy() -> bool:
    """Say whether /dev/shm has room for parallel queries; containers often have 64 MB there, which is not enough."""
    try:
        room = os.statvfs("/dev/shm")
    except OSError:
        return False
    return room.f_bavail * room.f_frsize >= _ROOM_IN_SHM
