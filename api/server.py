"""Running the application: the listening socket, one or several uvicorn processes, and an orderly end."""

from __future__ import annotations

import errno
import signal
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn
from uvicorn.supervisors import Multiprocess

from gisgrid.errors import UnavailableError

# By their names: of several processes the first serves nothing, and need not import them.
_FACTORY = "api.app:create_app_from_environment"
_PROTOCOL = "api.protocol:TileProtocol"
_GRACE_S = 10
_BACKLOG = 2048
_PATIENCE_S = 60


def listen_on(host: str, port: int) -> socket.socket:
    """Return a socket bound to ``host`` and ``port`` (0 takes any free port); it accepts nothing before the server is ready.

    Raises UnavailableError when the port is taken, or the address is not one of this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise _cannot_listen(host, port, error) from error
    listener.set_inheritable(True)
    return listener


def _cannot_listen(host: str, port: int, error: OSError) -> UnavailableError:
    if error.errno == errno.EADDRINUSE:
        return UnavailableError(
            f"Port {port} on {host} is in use.", "Stop what listens there, or take another: --port 0 takes any free one."
        )
    if error.errno == errno.EACCES:
        return UnavailableError(f"Port {port} may not be opened by this user.", "Take a port of 1024 or more.")
    return UnavailableError(f"Cannot listen on {host}, port {port}: {error.strerror or error}.", "Give an address of this machine.")


def address_of(listener: socket.socket) -> str:
    """Return the address of a bound socket as a browser takes it."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def run(listener: socket.socket, workers: int, on_ready: Callable[[str], None]) -> None:
    """Serve on ``listener`` until SIGINT or SIGTERM; ``on_ready`` is told the address once requests are answered.

    Open requests get ten seconds to end. Raises UnavailableError when the application does not start.
    """
    config = uvicorn.Config(
        _FACTORY,
        factory=True,
        workers=workers,
        loop="uvloop",
        http=_PROTOCOL,
        lifespan="on",
        # Neither a log line a request nor uvicorn's own handlers: the process has its logging.
        access_log=False,
        log_config=None,
        log_level="warning",
        server_header=False,
        backlog=_BACKLOG,
        timeout_graceful_shutdown=_GRACE_S,
        # A worker that is still starting on a busy machine is not dead: it would be killed and begun anew for ever.
        timeout_worker_healthcheck=_PATIENCE_S,
        # Nothing here depends on who the client is; the one place that asks for the scheme reads the proxy's header itself.
        proxy_headers=False,
    )
    address = address_of(listener)
    if workers == 1:
        _run_one(config, listener, lambda: on_ready(address))
    else:
        _run_many(config, listener, lambda: on_ready(address))


class _Server(uvicorn.Server):
    """A uvicorn server that tells when it is ready, and that ends with a signal instead of dying of it."""

    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then tell that requests are answered."""
        await super().startup(sockets)
        self._on_ready()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take SIGINT and SIGTERM as the wish to end, which is no failure: the command then exits with 0."""
        before = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _run_one(config: uvicorn.Config, listener: socket.socket, on_ready: Callable[[], None]) -> None:
    server = _Server(config, on_ready)
    try:
        server.run(sockets=[listener])
    except SystemExit:
        # uvicorn's way to say that the lifespan failed; it has logged why.
        raise _not_started() from None
    if not server.started:
        raise _not_started()


def _run_many(config: uvicorn.Config, listener: socket.socket, on_ready: Callable[[], None]) -> None:
    ready = threading.Event()
    stopped = threading.Event()

    def wait_for_workers() -> None:
        """Ask until a worker answers."""
        while not stopped.wait(0.1):
            if _answers(address_of(listener)):
                ready.set()
                on_ready()
                return

    threading.Thread(target=wait_for_workers, daemon=True).start()
    try:
        Multiprocess(config, [listener]).run()
    finally:
        stopped.set()
    if not ready.is_set():
        raise _not_started()


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/healthz", timeout=1) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _not_started() -> UnavailableError:
    return UnavailableError("The server did not start.", "The log above says why; `gisgrid db status` tells of the database.")
