"""``gisgrid db``: the private cluster and the schema in it."""

from __future__ import annotations

import os
import shutil
from typing import Annotated

import typer
from rich.console import Console

from gisgrid.db.cluster import Cluster
from gisgrid.db.database import Database, open_database
from gisgrid.db.migrate import migrate, newest, reset
from gisgrid.db.revision import current
from gisgrid.db.server_programs import find_programs
from gisgrid.deployment import load_deployment
from gisgrid.errors import ClusterError
from gisgrid.settings import Settings, load_settings

app = typer.Typer(help="The database: start and stop the private cluster, bring the schema up to date.", no_args_is_help=True)
_NOT_OURS = "GISGRID_DATABASE_URL names a server ({address}) that gisgrid neither starts nor stops."


def _out() -> Console:
    return Console(highlight=False, soft_wrap=True)


def _cluster(settings: Settings) -> Cluster:
    return Cluster(settings.home, settings.database_name)


@app.command()
def start() -> None:
    """Start the private cluster, making it first if there is none."""
    settings = load_settings()
    if settings.database_url:
        _out().print(_NOT_OURS.format(address=Database(settings.database_url).address))
        return
    cluster = _cluster(settings)
    started = cluster.start()
    status = cluster.status()
    _out().print(f"The private cluster {'was started' if started else 'runs already'}: 127.0.0.1:{status.port}, process {status.pid}.")


@app.command()
def stop() -> None:
    """Stop the private cluster; its data stays."""
    settings = load_settings()
    if settings.database_url:
        _out().print(_NOT_OURS.format(address=Database(settings.database_url).address))
        return
    _out().print("The private cluster was stopped." if _cluster(settings).stop() else "The private cluster was not running.")


@app.command()
def status() -> None:
    """Say where the database is and whether it runs: exit code 0 if it does, 1 if not."""
    settings = load_settings()
    if settings.database_url:
        database = Database(settings.database_url)
        _out().print(f"server: {database.address} (from GISGRID_DATABASE_URL)")
    else:
        state = _cluster(settings).status()
        _out().print(f"cluster: {state.folder}{'' if state.exists else ' (not made yet)'}")
        if not state.running:
            _out().print("running: no")
            raise typer.Exit(1)
        _out().print(f"running: yes, 127.0.0.1:{state.port}, process {state.pid}")
        database = Database(_cluster(settings).url)
    revision, head = current(database), newest()
    advice = "" if revision == head else f"; this gisgrid knows {head}: run `gisgrid db migrate`"
    _out().print(f"schema: {revision or 'none'}{advice}")


@app.command()
def url() -> None:
    """Print the address of the database, with user and password, and nothing else."""
    settings = load_settings()
    print(settings.database_url or _cluster(settings).url)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def psql(context: typer.Context) -> None:
    """Open psql on the database; what follows is handed to psql."""
    database = open_database(load_settings())
    program = shutil.which("psql") or str(find_programs().path("psql"))
    if not os.access(program, os.X_OK):
        raise ClusterError("psql is not installed.", "Install it (Debian, Ubuntu: `sudo apt-get install postgresql-client`).")
    # By the environment: arguments can be read by every user of the machine.
    environment = os.environ | database.libpq_environment()
    os.execve(program, [program, *context.args], environment)


@app.command("migrate")
def migrate_command() -> None:
    """Bring the schema to the newest revision; start the private cluster if need be."""
    settings = load_settings()
    database = open_database(settings)
    applied = migrate(database, load_deployment(settings.deployment))
    done = f"applied {', '.join(applied)}" if applied else f"is at {newest()} already"
    _out().print(f"The schema at {database.address} {done}.")


@app.command("reset")
def reset_command(yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False) -> None:
    """Remove all data of gisgrid from the database and make the schema anew."""
    database = open_database(load_settings())
    if not yes and not typer.confirm(f"Remove all data of gisgrid from {database.address}?"):
        raise typer.Exit(1)
    reset(database)
    _out().print(f"The schema at {database.address} is new and empty.")
