"""``/ogc/api``: the definition is OpenAPI 3.0.3, and the server does what it says, no less and no more."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from openapi_schema_validator import OAS30Validator
from openapi_spec_validator import OpenAPIV30SpecValidator, OpenAPIV31SpecValidator

from api.ogc.asked import known_layers
from api.ogc.operations import operations_of
from api.ogc.table import RESOURCES
from api.ogc.variables import VARIABLES
from gisgrid.layers import LAYERS
from tests.api.conftest import Server

MEDIA = "application/vnd.oai.openapi+json;version=3.0"
Document = dict[str, Any]
# A collection of points and one of areas stand for the others, whose paths are made by the same rows of the table.
COLLECTIONS = ("manhole_covers", "grids")
OPERATIONS = sorted(
    f"{method} {resource.path.replace('{collection}', collection)}"
    for resource in RESOURCES
    for method in resource.operations
    for collection in (COLLECTIONS if "{collection}" in resource.path else ("",))
)
READS = [operation.removeprefix("GET ") for operation in OPERATIONS if operation.startswith("GET")]


@pytest.fixture(scope="module")
def definition(server: Server) -> Document:
    """The document as a client gets it."""
    answer = server.get("/ogc/api", headers={"accept": MEDIA})
    assert answer.headers["content-type"] == MEDIA
    found: Document = answer.json()
    return found


def _resolved(definition: Document, value: Any) -> Any:
    while isinstance(value, dict) and "$ref" in value:
        found: Any = definition
        for part in value["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        value = found
    return value


def _parameters(definition: Document, operation: Mapping[str, Any], where: str) -> list[Document]:
    resolved = (_resolved(definition, parameter) for parameter in operation["parameters"])
    return [parameter for parameter in resolved if parameter["in"] == where]


def _address(definition: Document, path: str, server: Server) -> str:
    """Return an address at which a path is found: the examples of its variables filled in."""
    operation = definition["paths"][path]["get"]
    examples = {parameter["name"]: parameter.get("example") for parameter in _parameters(definition, operation, "path")}
    if "id" in examples:
        page = server.get(f"/ogc{path.partition('/{')[0]}?limit=1").json()
        examples["id"] = page["features"][0]["id"]
    assert None not in examples.values(), f"{path}: a variable has no example"
    return "/ogc" + path.format_map(examples)


def test_the_definition_is_valid_openapi_3_0(definition: Document) -> None:
    assert definition["openapi"] == "3.0.3"
    OpenAPIV30SpecValidator(definition).validate()


def test_the_document_of_the_whole_server_is_valid_in_both_versions(server: Server) -> None:
    new = server.get("/openapi.json")
    assert new.headers["content-type"] == "application/json"
    OpenAPIV31SpecValidator(new.json()).validate()
    old = server.get("/openapi.json", headers={"accept": MEDIA})
    assert old.headers["content-type"] == MEDIA
    OpenAPIV30SpecValidator(old.json()).validate()
    assert old.json()["paths"].keys() == new.json()["paths"].keys()
    assert {"/locate", "/ogc/collections/grids/items", "/styles/{id}.json", "/rasters", "/tiles/h3/cameras.json"} <= new.json()[
        "paths"
    ].keys()


def _schemas(value: Any, name: str = "") -> Iterator[Document]:
    """Give every Schema Object of a document."""
    if isinstance(value, dict):
        if name in {"schema", "schemas/"}:
            yield value
        for key, inner in value.items():
            yield from _schemas(inner, "schemas/" if name == "schemas" else key)
    elif isinstance(value, list):
        for inner in value:
            yield from _schemas(inner, name)


def _inside(schema: Any) -> Iterator[Document]:
    if isinstance(schema, dict):
        yield schema
        for word in ("properties",):
            for inner in schema.get(word, {}).values():
                yield from _inside(inner)
        for word in ("items", "additionalProperties", "not"):
            yield from _inside(schema.get(word))
        for word in ("anyOf", "allOf", "oneOf"):
            for inner in schema.get(word, ()):
                yield from _inside(inner)


def test_no_schema_has_words_that_3_0_does_not_know(server: Server) -> None:
    document = server.get("/openapi.json", headers={"accept": MEDIA}).json()
    found = [inner for schema in _schemas(document) for inner in _inside(schema)]
    assert len(found) > 500
    for schema in found:
        assert not schema.keys() & {"const", "$defs", "examples", "prefixItems", "if", "patternProperties", "$schema"}
        assert isinstance(schema.get("type", ""), str)
        assert schema.get("type") != "null"
        assert isinstance(schema.get("exclusiveMinimum", True), bool)
        assert "$ref" not in schema or len(schema) == 1
        assert schema.get("type") != "array" or "items" in schema
        assert not schema.get("nullable") or "type" in schema


def test_the_server_of_the_document_is_the_landing_page_as_the_client_wrote_it(server: Server) -> None:
    for host in ("town.test", "example.org:8443"):
        document = server.get("/ogc/api", headers={"host": host, "x-forwarded-proto": "https"}).json()
        assert document["servers"] == [{"url": f"https://{host}/ogc"}]


def test_the_landing_page_links_the_definition_by_its_exact_type(server: Server) -> None:
    links = server.get("/ogc", headers={"accept": "application/json"}).json()["links"]
    [found] = [link for link in links if link["rel"] == "service-desc"]
    assert found["type"] == MEDIA
    answer = server.get(found["href"].removeprefix("http://town.test"))
    assert (answer.status_code, answer.headers["content-type"]) == (200, MEDIA)
    [page] = [link for link in links if link["rel"] == "service-doc"]
    assert server.get(page["href"].removeprefix("http://town.test")).headers["content-type"].startswith("text/html")


def test_every_operation_of_the_table_is_in_the_document_and_no_other(definition: Document) -> None:
    listed = {(path, method.upper()) for path, item in definition["paths"].items() for method in item}
    known = {layer.id: layer for layer in known_layers()}
    assert known.keys() >= {layer.id for layer in LAYERS}
    # What a collection does not offer (writing to one that is only read, tiles of one that few may see) is left out of its paths.
    expected = {
        (resource.path.replace("{collection}", collection), method)
        for resource in RESOURCES
        for collection in (known if "{collection}" in resource.path else ("",))
        for method in operations_of(resource, known.get(collection))
    }
    assert listed == expected
    ids = [operation["operationId"] for item in definition["paths"].values() for operation in item.values()]
    assert len(set(ids)) == len(ids)


def test_every_variable_of_a_path_is_described() -> None:
    used = {part.partition("}")[0] for resource in RESOURCES for part in resource.path.split("{")[1:]} - {"collection"}
    assert used <= VARIABLES.keys()


@pytest.mark.parametrize("path", READS)
def test_the_example_of_each_read_is_answered_as_its_schema_says(server: Server, definition: Document, path: str) -> None:
    operation = definition["paths"][path]["get"]
    answer = server.get(_address(definition, path, server))
    assert str(answer.status_code) in operation["responses"], answer.text
    assert answer.status_code in (200, 204), answer.text
    if answer.status_code == 204:
        return
    response = _resolved(definition, operation["responses"]["200"])
    assert {name.lower() for name in response.get("headers", {})} - answer.headers.keys() <= {
        *("link", "content-disposition", "retry-after", "vary", "last-modified")
    }
    media = answer.headers["content-type"]
    assert media in response["content"]
    if "json" in media:
        schema = {**response["content"][media]["schema"], "components": definition["components"]}
        errors = list(OAS30Validator(schema, format_checker=OAS30Validator.FORMAT_CHECKER).iter_errors(answer.json()))
        assert errors == []


@pytest.mark.parametrize("path", READS)
def test_every_parameter_of_a_read_takes_its_example_and_no_other_parameter_is_taken(
    server: Server, definition: Document, path: str
) -> None:
    address = _address(definition, path, server)
    parameters = _parameters(definition, definition["paths"][path]["get"], "query")
    for parameter in parameters:
        if "example" in parameter:
            value = _written(parameter["example"])
            answer = server.get(f"{address}?{quote(parameter['name'])}={quote(value)}")
            assert answer.status_code in (200, 204), (parameter["name"], answer.text)
    refused = server.get(f"{address}?no-such-parameter=1")
    _is_problem(refused, 400, "no-such-parameter")
    twice = server.get(f"{address}?f=json&f=json")
    _is_problem(twice, 400, "f")


def _written(example: object) -> str:
    if isinstance(example, list):
        return ",".join(map(_written, example))
    return str(example).lower() if isinstance(example, bool) else str(example)


def _is_problem(answer: httpx.Response, status: int, parameter: str) -> None:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["parameter"] == parameter


def test_each_collection_lists_a_parameter_for_every_field(definition: Document) -> None:
    for layer in LAYERS:
        path = definition["paths"].get(f"/collections/{layer.id}/items")
        if path is None:
            continue
        listed = {parameter["name"]: parameter for parameter in _parameters(definition, path["get"], "query")}
        assert {"limit", "bbox", "datetime", "crs", "bbox-crs", "filter", "sortby", "properties", "f"} <= listed.keys()
        assert {field.name for field in layer.fields} <= listed.keys()
        assert listed["limit"]["schema"] == {"type": "integer", "minimum": 1, "default": 10}
        assert all(parameter["description"] for parameter in listed.values())


def test_writing_asks_who_it_is_and_says_what_can_come_of_it(definition: Document) -> None:
    writes = [
        operation
        for item in definition["paths"].values()
        for method, operation in item.items()
        if method in ("post", "put", "patch", "delete")
    ]
    schemes = definition["components"]["securitySchemes"]
    assert {scheme["scheme"] for scheme in schemes.values()} == {"basic", "bearer"}
    for operation in writes:
        assert operation["security"], operation["operationId"]
        assert {"400", "401"} <= operation["responses"].keys(), operation["operationId"]


class _Page(HTMLParser):
    """What a page refers to, and which of its tags are open."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("href", "src", "action")]


def test_people_get_the_definition_as_a_page_that_needs_no_other_server(server: Server, definition: Document) -> None:
    answer = server.get("/ogc/api", headers={"accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    page = _Page()
    page.feed(answer.text)
    assert page.tags.count("section") == sum(len(item) for item in definition["paths"].values())
    assert page.tags.count("form") > 20
    assert not [address for address in page.addresses if ":" in address or address.startswith("//")]
    for name in ("filter", "bbox-crs", "installed_on"):
        assert f'name="{name}"' in answer.text
