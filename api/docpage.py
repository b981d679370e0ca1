"""An OpenAPI document as a page for people: plain HTML made here, with a form for each route.

It needs nothing from another server, so it works offline.
"""

from __future__ import annotations

import base64
from collections.abc import Collection, Mapping
from hashlib import sha256
from html import escape
from typing import Any

import orjson

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
_FILLED = ("lon", "lat", "crs", "to")

HEADERS = {
    "cache-control": "no-cache",
    "content-security-policy": _POLICY,
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
"""The headers that the page is sent with."""


def page(document: Mapping[str, Any], links: Mapping[str, str]) -> str:
    """Return an OpenAPI 3.1 document as HTML; ``links`` go to its top, titles by address."""
    models, titles = document["components"]["schemas"], {tag["name"]: _title(tag) for tag in document.get("tags", ())}
    grouped: dict[str, list[str]] = {"": [], **{name: [] for name in titles}}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            tag = operation.get("tags", [""])[0]
            grouped[tag if tag in titles else ""].append(_section(path, method, operation, models))
    info = document["info"]
    listed = " · ".join(f'<a href="{escape(address)}">{escape(title)}</a>' for address, title in links.items())
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{escape(info['title'])}: HTTP</title><style>{_STYLE}</style></head><body>"
        f"<h1>{escape(info['title'])} {escape(info['version'])}</h1><p>{_marked(info['description'])}</p><p>{listed}</p>"
        f"{''.join(_group(titles.get(tag), sections) for tag, sections in grouped.items())}<script>{_SCRIPT}</script></body></html>"
    )


def _title(tag: Mapping[str, Any]) -> str:
    return f"<code>{escape(tag['name'])}</code> {escape(tag['description'])}"


def _group(title: str | None, sections: list[str]) -> str:
    text = "".join(sections)
    return text if title is None else f"<details><summary>{title}</summary>{text}</details>"


def _section(path: str, method: str, operation: dict[str, Any], models: dict[str, Any]) -> str:
    head = f"<h2><small>{method.upper()}</small> <code>{escape(path)}</code></h2><p>{escape(operation['summary'])}</p>"
    parameters = operation["parameters"]
    asked = [parameter for parameter in parameters if parameter["in"] == "query"]
    if method != "get":
        body = _curl(path, method, operation, models) + _table(parameters)
    elif "{" in path:
        body = _table(parameters) + _link(path, parameters)
    else:
        # Only what a lookup needs is filled in; the rest shows its example until something is typed.
        filled = () if "tags" in operation else _FILLED
        body = f'<form action="{escape(path.lstrip("/") or "./")}" method="get">{_table(asked, filled)}<button>GET</button></form>'
    return f'<section id="{escape(operation["operationId"])}">{head}{body}{_responses(operation)}</section>'


def _table(parameters: list[dict[str, Any]], filled: Collection[str] | None = None) -> str:
    """Return the parameters as a table; a form when it is told which of them are ``filled`` in."""
    return f"<table>{''.join(_row(parameter, filled) for parameter in parameters)}</table>" if parameters else ""


def _row(parameter: dict[str, Any], filled: Collection[str] | None) -> str:
    name, example = escape(parameter["name"]), escape(_shown(parameter.get("example", "")))
    shown = f'value="{example}"' if filled and name in filled else f'placeholder="{example}"'
    value = f"<code>{example}</code>" if filled is None else f'<input name="{name}" aria-label="{name}" {shown}>'
    return f"<tr><td><code>{name}</code></td><td>{value}</td><td>{_marked(parameter['description'])}</td></tr>"


def _shown(example: object) -> str:
    """Return an example as it is written in an address."""
    if isinstance(example, list):
        return ",".join(map(_shown, example))
    return str(example).lower() if isinstance(example, bool) else str(example)


def _link(path: str, parameters: list[dict[str, Any]]) -> str:
    examples = {parameter["name"]: parameter.get("example") for parameter in parameters if parameter["in"] == "path"}
    if None in examples.values():
        return ""
    address = path.lstrip("/").format_map(examples)
    return f'<p><a href="{escape(address)}">{escape("/" + address)}</a></p>'


def _curl(path: str, method: str, operation: dict[str, Any], models: dict[str, Any]) -> str:
    content = operation.get("requestBody", {}).get("content", {})
    if "tags" not in operation:
        schema = content.get("application/json", {}).get("schema", {})
        return _batch_curl(path, operation, models) if "anyOf" in schema else _json_curl(path, operation, schema, models)
    body = f" -H 'Content-Type: {next(iter(content))}' --data-binary @feature.json" if content else ""
    match = " -H 'If-Match: …'" if any(parameter["name"] == "If-Match" for parameter in operation["parameters"]) else ""
    return f"<pre>{escape(f'curl -X {method.upper()} -u NAME:TOKEN{match}{body} http://127.0.0.1:8000/ogc{path}')}</pre>"


def _batch_curl(path: str, operation: dict[str, Any], models: dict[str, Any]) -> str:
    content = operation["requestBody"]["content"]
    model = content["application/json"]["schema"]["anyOf"][0]["$ref"].rsplit("/", 1)[1]
    example = orjson.dumps(models[model]["examples"][0]).decode()
    address = f"http://127.0.0.1:8000{escape(path)}"
    rows = f"curl -T points.csv -X POST -H 'Content-Type: text/csv' '{address}?crs=wgs84&columns=status,grid'"
    others = ", ".join(f"<code>{escape(media)}</code>" for media in content)
    return f"<pre>curl {address} -d '{escape(example)}'\n{escape(rows)}</pre><p>Rows may be {others}, and the answer what Accept names.</p>"


def _json_curl(path: str, operation: dict[str, Any], schema: dict[str, Any], models: dict[str, Any]) -> str:
    """Return how a body of JSON is sent, with an example where its model has one."""
    examples = models.get(schema.get("$ref", "").rsplit("/", 1)[-1], schema).get("examples", ())
    body = orjson.dumps(examples[0]).decode() if examples else "@body.json"
    who = " -u NAME:TOKEN" if operation.get("security") else ""
    command = f"curl -X POST{who} -H 'Content-Type: application/json' http://127.0.0.1:8000{path} -d '{body}'"
    return f"{_table(operation['parameters'])}<pre>{escape(command)}</pre>"


def _responses(operation: dict[str, Any]) -> str:
    rows = "".join(
        f"<tr><td>{status}</td><td>{escape(response['description'])}</td></tr>" for status, response in operation["responses"].items()
    )
    return f"<table>{rows}</table>"


def _marked(text: str) -> str:
    """Return text with the words between backquotes as code."""
    return "".join(f"<code>{escape(part)}</code>" if index % 2 else escape(part) for index, part in enumerate(text.split("`")))
