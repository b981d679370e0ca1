"""``/healthz`` and ``/readyz``: is the process alive, and can it do all that it is for."""

from __future__ import annotations

import os

import orjson
from fastapi import APIRouter, Request
from starlette.responses import Response

from api.backend import Backend
from api.problems import status_problem

router = APIRouter()

_FRESH = {"cache-control": "no-store"}


@router.get("/healthz", include_in_schema=False)
async def healthz(request: Request) -> Response:
    """Answer 200 as long as the process runs; it says which of how many it is."""
    state = {"status": "ok", "worker": os.getpid(), "workers": request.app.state.backend.settings.api.workers}
    return Response(orjson.dumps(state), media_type="application/json", headers=_FRESH)


@router.get("/readyz", include_in_schema=False)
async def readyz(request: Request) -> Response:
    """Answer 200 when lookups are current and tiles can be made, else 503 with the reasons."""
    backend: Backend = request.app.state.backend
    reasons = await backend.reasons_not_ready()
    currency = backend.model.currency()
    state = {"data_version": backend.model.version, **currency.as_document()}
    if not reasons:
        return Response(orjson.dumps({"status": "ready", **state}), media_type="application/json", headers=_FRESH)
    problem = {**status_problem(503, " ".join(reasons)), "type": "/problems/not-ready", "title": "Not ready", "reasons": reasons, **state}
    return Response(orjson.dumps(problem), status_code=503, media_type="application/problem+json", headers=_FRESH)
