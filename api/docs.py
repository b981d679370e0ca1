"""``/openapi.json`` and ``/docs``: the same document for machines and for people.

The page is plain HTML made here, with a form for each route; it needs nothing from another server, so it works offline.
"""

from __future__ import annotations

import base64
from functools import lru_cache
from hashlib import sha256
from html import escape
from typing import Any

import orjson
from fastapi import APIRouter
from starlette.responses import Response

from api.openapi import openapi_document

router = APIRouter()

_STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
section { border-top: 1px solid #8886; padding: .5rem 0 1.5rem; }
h2 code { font-size: 1.1rem; } h2 small { font-weight: 400; }
table { border-collapse: collapse; width: 100%; } td, th { text-align: left; vertical-align: top; padding: .3rem .6rem .3rem 0; }
td:first-child { white-space: nowrap; } input { font: inherit; width: 16rem; max-width: 100%; }
pre { overflow: auto; padding: .6rem; background: #8882; } button { font: inherit; margin-top: .5rem; }
"""

# A form sends its empty fields too, and an empty parameter is refused: only those filled in may go.
_SCRIPT = """addEventListener("submit", (event) => {
  const empty = [...event.target.elements].filter((input) => input.name && !input.value);
  for (const input of empty) input.disabled = true;
  setTimeout(() => { for (const input of empty) input.disabled = false; });
});"""
_POLICY = (
    f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{base64.b64encode(sha256(_SCRIPT.encode()).digest()).decode()}'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'self'"
)
_HEADERS = {
    "cache-control": "no-cache",
    "content-security-policy": _POLICY,
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


@router.get("/openapi.json", include_in_schema=False)
async def openapi_json() -> Response:
    """Answer the OpenAPI document."""
    return Response(orjson.dumps(openapi_document()), media_type="application/json", headers={"cache-control": "no-cache"})


@router.get("/docs", include_in_schema=False)
async def docs() -> Response:
    """Answer the page of routes."""
    return Response(page(), media_type="text/html; charset=utf-8", headers=_HEADERS)


@lru_cache(maxsize=1)
def page() -> str:
    """Return the page of routes as HTML."""
    document: dict[str, Any] = openapi_document()
    sections = [
        _section(path, method, operation, document["components"]["schemas"])
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    info = document["info"]
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>gisgrid: HTTP</title><style>{_STYLE}</style></head><body><h1>gisgrid {escape(info['version'])}</h1>"
        f"<p>{escape(info['description'])}</p>"
        f'<p><a href="openapi.json">OpenAPI document</a> · <a href="./">Console</a></p>'
        f"{''.join(sections)}<script>{_SCRIPT}</script></body></html>"
    )


def _section(path: str, method: str, operation: dict[str, Any], models: dict[str, Any]) -> str:
    head = f"<h2><small>{method.upper()}</small> <code>{escape(path)}</code></h2><p>{escape(operation['summary'])}</p>"
    parameters = operation["parameters"]
    if method == "post":
        body = _curl(path, operation, models) + _table(parameters, editable=False)
    elif "{" in path:
        body = _table(parameters, editable=False) + _link(path, parameters)
    else:
        body = f'<form action="{escape(path.lstrip("/"))}" method="get">{_table(parameters, editable=True)}<button>GET</button></form>'
    return f'<section id="{escape(operation["operationId"])}">{head}{body}{_responses(operation)}</section>'


def _table(parameters: list[dict[str, Any]], *, editable: bool) -> str:
    return f"<table>{''.join(_row(parameter, editable) for parameter in parameters)}</table>" if parameters else ""


def _row(parameter: dict[str, Any], editable: bool) -> str:
    name, example = escape(parameter["name"]), escape(str(parameter.get("example", "")))
    # Only what an answer needs is filled in; the rest shows its example until something is typed.
    shown = f'value="{example}"' if name in ("lon", "lat", "crs", "to") else f'placeholder="{example}"'
    value = f'<input name="{name}" aria-label="{name}" {shown}>' if editable else f"<code>{example}</code>"
    return f"<tr><td><code>{name}</code></td><td>{value}</td><td>{_marked(parameter['description'])}</td></tr>"


def _link(path: str, parameters: list[dict[str, Any]]) -> str:
    address = path.lstrip("/").format_map(
        {parameter["name"]: parameter["example"] for parameter in parameters if parameter["in"] == "path"}
    )
    return f'<p><a href="{escape(address)}">{escape("/" + address)}</a></p>'


def _curl(path: str, operation: dict[str, Any], models: dict[str, Any]) -> str:
    content = operation["requestBody"]["content"]
    model = content["application/json"]["schema"]["anyOf"][0]["$ref"].rsplit("/", 1)[1]
    example = orjson.dumps(models[model]["examples"][0]).decode()
    address = f"http://127.0.0.1:8000{escape(path)}"
    rows = f"curl -T points.csv -X POST -H 'Content-Type: text/csv' '{address}?crs=wgs84&columns=status,grid'"
    others = ", ".join(f"<code>{escape(media)}</code>" for media in content)
    return f"<pre>curl {address} -d '{escape(example)}'\n{escape(rows)}</pre><p>Rows may be {others}, and the answer what Accept names.</p>"


def _responses(operation: dict[str, Any]) -> str:
    rows = "".join(
        f"<tr><td>{status}</td><td>{escape(response['description'])}</td></tr>" for status, response in operation["responses"].items()
    )
    return f"<table>{rows}</table>"


def _marked(text: str) -> str:
    """Return text with the words between backquotes as code."""
    return "".join(f"<code>{escape(part)}</code>" if index % 2 else escape(part) for index, part in enumerate(text.split("`")))
