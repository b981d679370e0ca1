"""``POST /cases/batch``: a file of cases, answered row by row while it is decided."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import orjson
from fastapi import APIRouter, Request
from starlette.responses import StreamingResponse

from api.backend import Backend
from api.batch import read_body
from api.cases.params import INTAKE_PARAMETERS
from api.cases.routes import PREFIX, query_of, sender
from api.media import UnsupportedMediaError, choose_format, content_type_of, parse_content_type
from api.params import Parameter, parse_flag
from api.problems import document_of
from gisgrid.cases.drafts import Reading
from gisgrid.crs import parse_crs
from gisgrid.errors import TooLargeError
from gisgrid.services.batch.formats.csv_rows import csv_text
from gisgrid.services.cases.batch import CaseBatch, RowAnswer
from gisgrid.services.cases.rows import FORMATS, Rows, open_rows

router = APIRouter()

BATCH_PARAMETERS = {
    **INTAKE_PARAMETERS,
    "crs": Parameter("crs", "System of the positions of rows that do not name theirs.", {"type": "string"}, None),
}
"""``POST /cases/batch``."""

ADDED = (
    *("case_number", "case_state", "is_new", "case_lon", "case_lat", "grid_code", "street_code"),
    *("unit_code", "unit_name", "due_at", "review", "error"),
)
"""The columns that are added to a CSV file."""


@router.post(f"{PREFIX}/batch", include_in_schema=False)
async def batch(request: Request) -> StreamingResponse:
    """Take a file of cases in, and answer each row."""
    backend: Backend = request.app.state.backend
    limits, desk = backend.settings.api, backend.cases
    values = query_of(request, BATCH_PARAMETERS)
    dry_run = parse_flag("dry_run", values["dry_run"]) if "dry_run" in values else False
    default = parse_crs(values["crs"]).name if "crs" in values else backend.settings.default_crs
    media = parse_content_type(request.headers.get("content-type", ""))
    if media.format not in FORMATS:
        raise UnsupportedMediaError("Tables are not taken here.", "Send text/csv, application/x-ndjson or application/json.")
    wanted = choose_format(request.headers.get("accept", ""), media.format)
    if wanted not in FORMATS or (wanted in ("csv", "tsv") and media.format not in ("csv", "tsv")):
        wanted = "ndjson" if media.format == "ndjson" else "json"
    by = await sender(backend, request)
    body = await read_body(request, limits.max_body_bytes)
    rows = await asyncio.to_thread(lambda: _bounded(open_rows(body, media.format, media.charset, "The body"), limits.max_batch_points))
    reading = Reading(default, desk.intake.reading.zone, needs_crs=False)
    taking = CaseBatch(desk, reading, by, dry_run=dry_run)
    answers = taking.take(rows)
    # What keeps all of it from being taken is told before the answer begins.
    first: list[RowAnswer] = await anext(answers, [])
    told = _as_csv(rows.columns, first, answers, wanted) if wanted in ("csv", "tsv") else _as_json(taking, first, answers, wanted)
    return StreamingResponse(told, media_type=content_type_of(wanted, "utf-8"), headers={"cache-control": "no-store"})


def _bounded(rows: Rows, most: int) -> Rows:
    listed = []
    for row in rows.rows:
        listed.append(row)
        if len(listed) > most:
            raise TooLargeError(f"There are more than {most} rows.", "Send them in several requests.")
    return rows._replace(rows=iter(listed))


async def _as_json(taking: CaseBatch, first: list[RowAnswer], rest: AsyncIterator[list[RowAnswer]], wanted: str) -> AsyncIterator[bytes]:
    lines = wanted == "ndjson"
    if not lines:
        yield b'{"results":['
    is_first = True
    async for piece in _chained(first, rest):
        documents = [orjson.dumps(_document(one)) for one in piece]
        yield b"".join(one + b"\n" for one in documents) if lines else (b"" if is_first else b",") + b",".join(documents)
        is_first = False
    if not lines:
        yield b'],"counts":' + orjson.dumps(dict(taking.counts)) + b"}"


async def _as_csv(
    columns: list[str] | None, first: list[RowAnswer], rest: AsyncIterator[list[RowAnswer]], wanted: str
) -> AsyncIterator[bytes]:
    names = columns or []
    delimiter = "\t" if wanted == "tsv" else ","
    yield ("\ufeff" + csv_text([*names, *ADDED], delimiter) + "\r\n").encode()
    async for piece in _chained(first, rest):
        yield "".join(csv_text([*_cells(one, names), *_added(one)], delimiter) + "\r\n" for one in piece).encode()


async def _chained(first: list[RowAnswer], rest: AsyncIterator[list[RowAnswer]]) -> AsyncIterator[list[RowAnswer]]:
    if first:
        yield first
    async for piece in rest:
        yield piece


def _document(one: RowAnswer) -> dict[str, Any]:
    if one.document is None:
        return {"row": one.row, "key": one.key, "error": None if one.error is None else document_of(one.error)}
    return {"row": one.row, "key": one.key, **one.document}


def _cells(one: RowAnswer, names: list[str]) -> list[str]:
    return [str(one.cells.get(name, "")) for name in names] if isinstance(one.cells, dict) else [""] * len(names)


def _added(one: RowAnswer) -> list[str]:
    if one.document is None:
        return [*[""] * (len(ADDED) - 1), "" if one.error is None else str(one.error)]
    told = one.document
    position, unit, review = told["position"] or {}, told["unit"] or {}, told["review"]
    found = [
        *(told["number"], told["state"], told["is_new"], position.get("lon"), position.get("lat")),
        *((told["grid"] or {}).get("code"), (told["street"] or {}).get("code")),
        *(unit.get("code"), unit.get("name"), told["due_at"]),
        None if review is None else f"{review['question']['zh']} {review['question']['en']}",
        None,
    ]
    return ["" if value is None else str(value).lower() if isinstance(value, bool) else str(value) for value in found]
