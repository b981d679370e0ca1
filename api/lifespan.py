"""The life of a server process, as ASGI tells it: start the backend, serve, stop it."""

from __future__ import annotations

import gc
import logging
import sys

from api.asgi import Receive, Send
from api.backend import Backend
from gisgrid.errors import GisgridError

_logger = logging.getLogger(__name__)

# A thread that reads changes gives way to requests after this time, and not only after Python's own 5 ms: each request has to be given
# way to several times.
_SWITCH_S = 0.0005


async def live(backend: Backend, receive: Receive, send: Send) -> None:
    """Run ``backend`` between the server's start and stop; a start that fails is told in a line, not in a traceback."""
    await receive()
    started = False
    sys.setswitchinterval(_SWITCH_S)
    try:
        async with backend.running():
            started = True
            # What was loaded stays: the collector need not look through a million objects again and again for cycles.
            gc.collect()
            gc.freeze()
            await send({"type": "lifespan.startup.complete"})
            await receive()
    except GisgridError as error:
        await send({"type": _failed(started), "message": str(error)})
    except Exception:
        _logger.exception("the server could not %s", "stop in order" if started else "start")
        await send({"type": _failed(started), "message": ""})
    else:
        await send({"type": "lifespan.shutdown.complete"})


def _failed(started: bool) -> str:
    return "lifespan.shutdown.failed" if started else "lifespan.startup.failed"
