"""Pieces of OpenAPI documents: operations, parameters, answers and errors, in the words of OpenAPI 3.1."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pydantic import BaseModel

from api.params import Parameter

Document = dict[str, object]

ERRORS = {
    400: "A parameter is missing, unknown, repeated, not finite or out of range, or the body is not what is asked for.",
    401: "Who asks has to say who they are: an editor, by HTTP Basic or with a bearer token.",
    403: "Who asks may not do this.",
    404: "There is no such layer, feature, tile or route.",
    405: "The resource has other methods; Allow names them.",
    406: "The answer is not given in any of the types that Accept names.",
    409: "It cannot be carried out beside what is there: a code that is taken, areas that would overlap.",
    412: "The feature is no longer the one that If-Match names: somebody else has changed it.",
    413: "The body or the batch is larger than allowed.",
    415: "The body is of a type that is not taken.",
    416: "The file has no such range of bytes.",
    422: "The body can be read, but what it says cannot be stored; `detail` names the field.",
    428: "This is carried out only with an If-Match that names the ETag of the feature.",
    503: "PostGIS is needed for this answer and cannot be reached, or is too busy.",
}
"""What an error means, by status."""

PROBLEM = "application/problem+json"

BINARY: Document = {"type": "string", "format": "binary"}


def operation(
    name: str, summary: str, parameters: Iterable[Document] = (), responses: Document | None = None, errors: Iterable[int] = ()
) -> Document:
    """Return an Operation Object: its answers, and the problems that it can end in."""
    return {"operationId": name, "summary": summary, "parameters": list(parameters), "responses": (responses or {}) | error_answers(errors)}


def answer(model: type[BaseModel]) -> Document:
    """Return the answers of an operation that gives ``model`` as JSON."""
    return given((model.__doc__ or "").strip(), {"application/json": reference(model)})


def given(description: str, content: Mapping[str, Document], status: int = 200) -> Document:
    """Return the answers of an operation that gives what the schema of each media type in ``content`` says."""
    described: Document = {"description": description}
    if content:
        described["content"] = {media: {"schema": schema} for media, schema in content.items()}
    return {str(status): described}


def error_answers(statuses: Iterable[int]) -> Document:
    """Return the answers that tell what is wrong."""
    content = {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {str(status): {"description": ERRORS[status], "content": content} for status in statuses}


def reference(model: type[BaseModel]) -> Document:
    """Return the reference to the schema of ``model``."""
    return {"$ref": f"#/components/schemas/{model.__name__}"}


def query(parameters: Mapping[str, Parameter]) -> list[Document]:
    """Return the Parameter Objects of a query."""
    return [parameter_object(parameter, "query") for parameter in parameters.values()]


def parameter_object(parameter: Parameter, where: str) -> Document:
    """Return a Parameter Object; ``where`` is ``query``, ``path`` or ``header``."""
    document: Document = {
        "name": parameter.name,
        "in": where,
        "required": parameter.required or where == "path",
        "description": parameter.description,
        "schema": dict(parameter.schema),
    }
    if where == "query" and parameter.schema.get("type") == "array":
        document |= {"style": "form", "explode": False}
    return document if parameter.example is None else {**document, "example": parameter.example}


def path_words(name: str, description: str, words: Iterable[str]) -> Document:
    """Return the Parameter Object of a part of a path that is one of ``words``."""
    choices = list(words)
    return parameter_object(Parameter(name, description, {"type": "string", "enum": choices}, choices[0]), "path")


def path_number(name: str, description: str, maximum: int, example: int) -> Document:
    """Return the Parameter Object of a part of a path that is a whole number from 0 on."""
    return parameter_object(Parameter(name, description, {"type": "integer", "minimum": 0, "maximum": maximum}, example), "path")
