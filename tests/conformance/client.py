"""A client that knows the standards and nothing of this server: it begins at the landing page and goes by links."""

from __future__ import annotations

from functools import cached_property
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx

from tests.api.conftest import Server

Json = dict[str, Any]

CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
GEOJSON = "application/geo+json"
OPENAPI = "application/vnd.oai.openapi+json;version=3.0"
HOST = "http://town.test"

_WITH_HYPHEN = {"bbox_crs": "bbox-crs", "filter_crs": "filter-crs", "filter_lang": "filter-lang"}


class Client:
    """Asks one API, whose landing page is at ``root``."""

    def __init__(self, server: Server, root: str) -> None:
        self._server = server
        self.root = root

    def get(self, address: str, accept: str = "", **query: object) -> httpx.Response:
        """Return the answer at an address, absolute or relative to the landing page."""
        url = urljoin(f"{HOST}{self.root}/", address) if "://" not in address else address
        assert url.startswith(HOST), f"{url} leads away from this server"
        parts = urlsplit(url)
        params = {
            name.replace("_", "-") if name in ("bbox_crs", "filter_crs", "filter_lang") else name: str(v) for name, v in query.items()
        }
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        if params:
            path += ("&" if parts.query else "?") + str(httpx.QueryParams(params))
        return self._server.get(path, headers={"accept": accept} if accept else {})

    def ask(self, method: str, path: str) -> httpx.Response:
        """Return the answer to a request without a body."""
        return self._server.request(method, path)

    def json(self, address: str, accept: str = "application/json", **query: object) -> Json:
        """Return the JSON document at an address, which must be there."""
        answer = self.get(address, accept, **query)
        assert answer.status_code == 200, f"{address} {query}: {answer.status_code} {answer.text[:300]}"
        document: Json = answer.json()
        return document

    @cached_property
    def landing(self) -> Json:
        """The landing page."""
        return self.json("")

    @cached_property
    def collections(self) -> list[Json]:
        """What the landing page's link leads to."""
        return list(self.json(link(self.landing, "data")["href"])["collections"])

    @cached_property
    def api(self) -> Json:
        """The API definition."""
        return self.json(link(self.landing, "service-desc")["href"], OPENAPI)

    @cached_property
    def classes(self) -> set[str]:
        """The conformance classes that are declared."""
        return set(self.json(link(self.landing, "conformance")["href"])["conformsTo"])

    def items(self, collection: Json) -> str:
        """Return the address of a collection's features."""
        return str(link(collection, "items", GEOJSON)["href"])

    def spatial(self) -> list[Json]:
        """Return the collections that have features."""
        return [one for one in self.collections if self.json(self.items(one), GEOJSON, limit=1)["features"]]

    def operation(self, address: str, method: str = "get") -> Json:
        """Return what the API definition says of the operation at an address, its parameters resolved."""
        path = urlsplit(address).path.removeprefix(self.root) if "://" in address else address
        servers = [urlsplit(one["url"]).path.rstrip("/") for one in self.api.get("servers", [{"url": "/"}])]
        for template, methods in self.api["paths"].items():
            whole = [f"{base}{template}".removeprefix(self.root) for base in servers]
            if any(_fits(one, path) for one in whole) and method in methods:
                found: Json = methods[method]
                return {**found, "parameters": [self._resolved(one) for one in found.get("parameters", [])]}
        raise AssertionError(f"the API definition has no {method} {path}")

    def parameter(self, address: str, name: str) -> Json:
        """Return what the API definition says of a query parameter."""
        found: list[Json] = [one for one in self.operation(address)["parameters"] if one["name"] == name and one["in"] == "query"]
        assert len(found) == 1, f"{address}: {name} is declared {len(found)} times"
        return found[0]

    def _resolved(self, part: Json) -> Json:
        if "$ref" not in part:
            return part
        found: Json = self.api
        for step in part["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        return found


def _fits(template: str, path: str) -> bool:
    steps, wanted = template.strip("/").split("/"), path.strip("/").split("/")
    return len(steps) == len(wanted) and all(step.startswith("{") or step == want for step, want in zip(steps, wanted, strict=True))


def links(document: Json, rel: str, media: str = "") -> list[Json]:
    """Return the links of a relation, of a media type if one is named."""
    return [one for one in document["links"] if one["rel"] == rel and (not media or one.get("type") == media)]


def link(document: Json, rel: str, media: str = "") -> Json:
    """Return the first link of a relation; there must be one."""
    found = links(document, rel, media)
    assert found, f"there is no link {rel} {media} among {[(one['rel'], one.get('type')) for one in document['links']]}"
    return found[0]


def positions(geometry: Json | None) -> list[list[float]]:
    """Return every position of a GeoJSON geometry."""
    if geometry is None:
        return []
    if geometry["type"] == "GeometryCollection":
        return [one for part in geometry["geometries"] for one in positions(part)]
    return _flat(geometry["coordinates"])


def _flat(nested: Any) -> list[list[float]]:
    if nested and isinstance(nested[0], int | float):
        return [nested]
    return [one for part in nested for one in _flat(part)]
