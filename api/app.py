"""The application: ``create_app(settings)`` puts the plain routes, FastAPI and the console together."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from functools import partial

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from api import (
    archiveroutes,
    batch,
    convert,
    derivedroutes,
    docs,
    geocode,
    health,
    lookups,
    matrixroutes,
    rasterroutes,
    styleroutes,
    tileroutes,
)
from api.asgi import App, Reply, Scope
from api.backend import Backend
from api.cases import acts as caseacts
from api.cases import batch as casebatch
from api.cases import routes as caseroutes
from api.cases import stream as casestream
from api.console import Console
from api.front import Front, Mounted, Plain, Route
from api.lifespan import live
from api.ogc import PREFIX, OgcApp
from api.problems import MethodError, new_reference, problem_reply, reply_to, reply_to_bug, status_problem
from api.stream import Streams
from gisgrid import __version__
from gisgrid.errors import GisgridError, NotFoundError
from gisgrid.services import NEAREST_LAYERS
from gisgrid.settings import Settings, load_settings
from tiles.archives.folder import Archives

_logger = logging.getLogger(__name__)

Answer = Callable[[Backend, Scope], Reply | Awaitable[Reply]]
"""What a module of plain routes offers: it answers every path below its prefix."""

# FastAPI's routers: what streams, takes a body, or is asked too seldom for speed to matter.
_ROUTERS = (batch.router, geocode.router, health.router, docs.router, rasterroutes.router, archiveroutes.router)
# Those of cases: what is listed before what has a number in its path.
_CASES = (casestream.router, casebatch.router, caseroutes.router, caseacts.router)


def create_app(settings: Settings) -> App:
    """Return the ASGI application of a deployment; nothing is opened before its lifespan starts.

    Raises ConfigError when the deployment that ``settings`` names cannot be used.
    """
    backend = Backend(settings)
    mounted = Mounted(PREFIX, OgcApp(backend))
    plain, rest = _plain(backend), _framework(backend)
    return Front(partial(live, backend), plain, mounted, Console(), rest, hurry=lambda: backend.kept, on_stop=backend.let_go)


def create_app_from_environment() -> App:
    """Return the application with the settings of this process: what each worker of ``gisgrid serve`` runs."""
    return create_app(load_settings())


def _plain(backend: Backend) -> Plain:
    """Return the routes that are answered straight from the scope."""
    exact: dict[str, Route] = {"/locate": partial(lookups.locate, backend)}
    exact |= {f"/{layer.id}/nearest": partial(lookups.nearest, backend, layer.id) for layer in NEAREST_LAYERS}
    exact["/manhole_covers/match"] = partial(lookups.match, backend)
    exact["/convert"] = partial(convert.convert, backend)
    exact["/geocode"] = partial(geocode.geocode, backend)
    exact["/reverse"] = partial(geocode.reverse, backend)
    exact["/suggest"] = partial(geocode.suggest, backend)
    # The first prefix that fits answers: a longer one stands before the shorter. Each is `answer(backend, scope)` of its module.
    below: tuple[tuple[str, Answer], ...] = (
        (styleroutes.PREFIX, styleroutes.answer),
        (styleroutes.NAMES_PREFIX, styleroutes.answer_names),
        (derivedroutes.H3_PREFIX, derivedroutes.answer_h3),
        (derivedroutes.VIEWS_PREFIX, derivedroutes.answer_views),
        (tileroutes.PREFIX, tileroutes.answer),
        (matrixroutes.PREFIX, matrixroutes.answer),
    )
    posted = {caseroutes.PREFIX: partial(caseroutes.receive, backend)}
    return Plain(exact, [(prefix, partial(answer, backend)) for prefix, answer in below], posted)


def _framework(backend: Backend) -> FastAPI:
    app = FastAPI(title="gisgrid", version=__version__, docs_url=None, redoc_url=None, openapi_url=None)
    app.state.backend = backend
    app.state.archives = Archives(backend.settings.home / "archives")
    app.state.streams = Streams(backend.settings.api)
    for router in (*_ROUTERS, *_CASES):
        app.include_router(router)
    app.add_exception_handler(GisgridError, _tell)
    app.add_exception_handler(HTTPException, _tell_status)
    app.add_exception_handler(RequestValidationError, _tell_invalid)
    app.add_exception_handler(Exception, _tell)
    return app


def _response(reply: Reply) -> Response:
    return Response(reply.body, reply.status, {name.decode(): value.decode() for name, value in reply.headers})


async def _tell(request: Request, error: Exception) -> Response:
    """Answer an error that was raised on purpose; anything else is a bug, told by its reference alone."""
    if isinstance(error, GisgridError):
        return _response(reply_to(error, request.url.path))
    reference = new_reference()
    _logger.error("500 at %s, reference %s", request.url.path, reference, exc_info=error)
    return _response(reply_to_bug(reference))


async def _tell_status(request: Request, error: Exception) -> Response:
    """Answer a bare HTTP status of the framework as a problem of ours: no such route, no such method."""
    if not isinstance(error, HTTPException):
        return await _tell(request, error)
    path = request.url.path
    if error.status_code == 404:
        return await _tell(request, NotFoundError(f"There is nothing at {path[:80]}.", "The routes are listed at /docs."))
    if error.status_code == 405:
        return await _tell(request, MethodError(request.method, (error.headers or {}).get("Allow", "other methods")))
    return _response(problem_reply(status_problem(error.status_code, str(error.detail))))


async def _tell_invalid(_: Request, error: Exception) -> Response:
    """Answer what FastAPI's own validation refuses as a 400 that names the parameter."""
    problems = error.errors() if isinstance(error, RequestValidationError) else []
    first = problems[0] if problems else {"loc": ("request",), "msg": "is not valid"}
    return _response(problem_reply({**status_problem(400, str(first["msg"])), "parameter": str(first["loc"][-1])}))
