from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from gisgrid.db import open_database, server_programs
from gisgrid.db.cluster import Cluster
from gisgrid.db.server_programs import Programs, find_programs
from gisgrid.errors import ClusterError
from gisgrid.settings import Settings

pytestmark = pytest.mark.skipif(bool(os.environ.get("GISGRID_TEST_DATABASE_URL")), reason="a server was given: no cluster of our own")


@pytest.fixture
def home(cluster_home: Path) -> Iterator[Path]:
    """A home with a space and a quote in its name; what runs in it is stopped at the end."""
    home = cluster_home / "o'er here"
    yield home
    Cluster(home).stop()


def small(home: Path) -> Cluster:
    return Cluster(home, shared_buffers="16MB")


def answers(cluster: Cluster) -> bool:
    with psycopg.connect(cluster.url) as connection:
        return connection.execute("SELECT 1").fetchone() == (1,)


def port(cluster: Cluster) -> int:
    found = cluster.status().port
    assert found is not None
    return found


def test_a_cluster_is_made_started_found_running_and_stopped(home: Path) -> None:
    cluster = small(home)
    assert cluster.status()[:2] == (False, False)
    assert cluster.stop() is False
    assert not home.exists(), "asking changes nothing"

    assert cluster.start() is True
    assert answers(cluster)
    assert small(home).start() is False
    assert cluster.status().running
    with psycopg.connect(cluster.url) as connection:
        connection.execute("CREATE TABLE kept ()")

    assert cluster.stop() is True
    assert cluster.stop() is False
    assert cluster.status()[:2] == (True, False)
    assert cluster.start() is True
    with psycopg.connect(cluster.url) as connection:
        assert connection.execute("SELECT to_regclass('kept') IS NOT NULL").fetchone() == (True,)


def test_a_cluster_listens_on_this_machine_alone_and_asks_for_its_password(home: Path) -> None:
    cluster = small(home)
    cluster.start()
    with psycopg.connect(cluster.url) as connection:
        said: dict[str, str] = dict(
            connection.execute("SELECT name, setting FROM pg_settings WHERE name IN ('listen_addresses', 'fsync', 'jit')").fetchall()
        )
        rules = connection.execute("SELECT DISTINCT auth_method FROM pg_hba_file_rules").fetchall()
    assert said == {"listen_addresses": "127.0.0.1", "fsync": "on", "jit": "off"}
    assert rules == [("scram-sha-256",)]
    assert stat.S_IMODE((home / "cluster.json").stat().st_mode) == 0o600
    assert stat.S_IMODE((home / "pg").stat().st_mode) == 0o700
    password = json.loads((home / "cluster.json").read_text())["password"]
    assert not [path for path in (home / "pg").glob("*") if path.is_file() and password in path.read_text(errors="replace")]
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(cluster.url.replace(password, "wrong"))


def test_a_server_that_was_killed_is_started_again_and_has_kept_what_was_committed(home: Path) -> None:
    cluster = small(home)
    cluster.start()
    with psycopg.connect(cluster.url) as connection:
        connection.execute("CREATE TABLE kept ()")
    pid = cluster.status().pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    assert (home / "pg" / "data" / "postmaster.pid").exists()
    assert cluster.start() is True
    with psycopg.connect(cluster.url) as connection:
        assert connection.execute("SELECT to_regclass('kept') IS NOT NULL").fetchone() == (True,)


def test_a_pid_file_that_names_another_process_counts_as_none(home: Path) -> None:
    cluster = small(home)
    cluster.start()
    pid_file = home / "pg" / "data" / "postmaster.pid"
    content = pid_file.read_text()
    cluster.stop()
    pid_file.write_text("\n".join([str(os.getpid()), *content.splitlines()[1:]]) + "\n")
    assert not cluster.status().running
    assert cluster.start() is True
    assert answers(cluster)


def test_a_port_that_was_taken_meanwhile_is_given_up(home: Path, caplog: pytest.LogCaptureFixture) -> None:
    cluster = small(home)
    cluster.start()
    before = port(cluster)
    cluster.stop()
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", before))
        other.listen()
        cluster.start()
        assert port(cluster) != before
        assert answers(cluster)
    assert f"Port {before}" in caplog.text


def test_processes_that_start_it_at_once_get_one_server(home: Path) -> None:
    code = "import sys; from pathlib import Path; from gisgrid.db.cluster import Cluster; print(Cluster(Path(sys.argv[1])).start())"
    with ThreadPoolExecutor() as pool:
        runs = list(
            pool.map(lambda _: subprocess.run([sys.executable, "-c", code, home], capture_output=True, text=True, check=False), range(3))
        )
    assert sorted(run.stdout.strip() for run in runs) == ["False", "False", "True"], [run.stderr for run in runs]
    assert answers(small(home))


def test_a_server_outlives_the_session_of_the_process_that_started_it(home: Path) -> None:
    code = "import sys; from pathlib import Path; from gisgrid.db.cluster import Cluster; Cluster(Path(sys.argv[1])).start()"
    starter = subprocess.Popen([sys.executable, "-c", code, home], start_new_session=True)
    assert starter.wait(60) == 0
    pid = small(home).status().pid
    assert pid is not None
    assert os.getsid(pid) != starter.pid
    assert os.getpgid(pid) != starter.pid


def test_an_unfinished_cluster_is_made_again(home: Path) -> None:
    (home / "pg" / "data").mkdir(parents=True)
    (home / "pg" / "data" / "rest").touch()
    if os.getuid() == 0:
        shutil.chown(home / "pg", "postgres")
    cluster = small(home)
    cluster.start()
    assert answers(cluster)


def test_a_server_that_cannot_start_says_why(home: Path) -> None:
    cluster = small(home)
    cluster.start()
    cluster.stop()
    with (home / "pg" / "data" / "postgresql.conf").open("a") as file:
        file.write("\nno_such_setting = 1\n")
    with pytest.raises(ClusterError, match="did not start") as caught:
        cluster.start()
    assert "no_such_setting" in caught.value.hint


def test_open_database_starts_the_private_cluster(home: Path) -> None:
    database = open_database(Settings(home=home, database_name="city"))
    with database.connect() as connection:
        assert connection.execute("SELECT current_database()").fetchone() == ("city",)


def test_a_long_path_does_without_a_socket_file(tmp_path: Path) -> None:
    cluster = small(tmp_path / ("x" * 100))
    try:
        cluster.start()
        assert answers(cluster)
        assert not (cluster.folder / "run").exists()
    finally:
        cluster.stop()


@pytest.mark.skipif(os.getuid() != 0, reason="only root runs the server as another user")
def test_root_runs_it_as_another_user_even_below_a_folder_closed_to_that_user() -> None:
    closed = Path(tempfile.mkdtemp())  # mode 0700
    cluster = small(closed / "home")
    try:
        cluster.start()
        pid = cluster.status().pid
        assert pid is not None
        assert Path(f"/proc/{pid}").stat().st_uid == cluster.folder.stat().st_uid != 0
        assert answers(cluster)
    finally:
        cluster.stop()
        shutil.rmtree(closed)


@pytest.mark.skipif(os.getuid() == 0, reason="root may read everything")
def test_a_cluster_of_another_user_is_left_alone(home: Path) -> None:
    cluster = small(home)
    cluster.start()
    cluster.stop()
    (home / "cluster.json").chmod(0)
    with pytest.raises(ClusterError, match="belongs to another user"):
        cluster.start()


def test_an_access_file_that_is_damaged_is_named(home: Path) -> None:
    home.mkdir()
    (home / "cluster.json").write_text("{")
    with pytest.raises(ClusterError, match=r"cluster\.json cannot be read"):
        small(home).status()


def test_a_home_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ClusterError, match="cannot be written"):
        small(tmp_path / "file" / "home").start()


def test_without_postgresql_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_programs, "_folders", list)
    with pytest.raises(ClusterError, match="not installed") as caught:
        find_programs()
    assert "apt-get install postgresql-15 postgresql-15-postgis-3" in caught.value.hint
    assert "GISGRID_DATABASE_URL" in caught.value.hint


def test_without_postgis_it_names_the_package_for_the_version_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_programs, "_programs_in", lambda folder: Programs(17, folder))
    monkeypatch.setattr(server_programs, "_has_postgis", lambda _: False)
    with pytest.raises(ClusterError, match="PostGIS for it is not") as caught:
        find_programs()
    assert "postgresql-17-postgis-3" in caught.value.hint


def test_a_cluster_made_by_a_version_that_is_gone_says_so() -> None:
    with pytest.raises(ClusterError, match="made by PostgreSQL 12"):
        find_programs(12)


def test_waiting_for_a_server_that_does_not_answer_ends(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = small(home)
    cluster.start()
    monkeypatch.setattr("gisgrid.db.cluster._START_TIMEOUT_S", 0.2)
    access = json.loads((home / "cluster.json").read_text())
    (home / "cluster.json").write_text(json.dumps(access | {"password": "wrong"}))
    began = time.monotonic()
    with pytest.raises(ClusterError, match="does not answer"):
        cluster.start()
    assert time.monotonic() - began < 30
    (home / "cluster.json").write_text(json.dumps(access))
