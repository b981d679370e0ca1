"""What an operation of the OGC API is: declared once, for routing, for checking parameters, and for the OpenAPI document."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from api.asgi import Header, Reply
from api.ogc.asked import Asked
from api.ogc.formats import common_parameters
from api.params import Parameter
from gisgrid.layers import Layer


class Document(NamedTuple):
    """An answer that is the same for machines and for people: ``content`` as JSON, or shown by the template ``page``."""

    content: Mapping[str, object] | bytes
    page: str
    headers: tuple[Header, ...] = ()
    status: int = 200


class Chunks(Protocol):
    """Bytes that are sent as they come; ``aclose`` is called in any case."""

    def __aiter__(self) -> AsyncIterator[bytes]: ...

    async def aclose(self) -> None:
        """End it, finished or not."""


class Stream(NamedTuple):
    """An answer that is sent while it is made. ``headers`` name its type, and its length where that is known."""

    status: int
    headers: tuple[Header, ...]
    chunks: Chunks


Answer = Document | Reply | Stream
"""What a handler gives: a document that is written in the format asked for, or what is ready to be sent."""

Handler = Callable[[Asked], Awaitable[Answer]]
Parameters = Mapping[str, Parameter]

JSON = {"json": "application/json", "html": "text/html"}
"""The formats of most resources: the word that ``f`` takes, and its media type; the first is given where nothing is asked for."""

NO_PARAMETERS: Parameters = {}


def _always(_: Layer) -> bool:
    return True


@dataclass(frozen=True, slots=True, eq=False)
class Operation:
    """One method of a resource.

    ``id`` is its operationId (that of a collection gets the layer's id added), ``formats`` what it can be given in,
    ``parameters`` those of the query, which may hang on the layer; ``statuses`` what it answers beside ``success`` and the
    400, 404 (where the path has variables), 406 and 503 of all. ``schema`` is the JSON schema of what it gives, ``body`` that
    of what it takes, by media type. ``takes`` and ``gives`` are the headers of the request and of the success that mean
    something here: words of ``REQUEST_HEADERS`` and ``RESPONSE_HEADERS`` in ``api.ogc.headers``. Not every layer has it:
    ``exists`` says for which there is the operation.
    """

    id: str
    summary: str
    answer: Handler
    formats: Mapping[str, str] = field(default_factory=lambda: JSON)
    parameters: Parameters | Callable[[Layer], Parameters] = field(default_factory=lambda: NO_PARAMETERS)
    success: int = 200
    statuses: tuple[int, ...] = ()
    schema: Mapping[str, object] | Callable[[Layer], Mapping[str, object]] | None = None
    body: Mapping[str, Mapping[str, object]] | Callable[[Layer], Mapping[str, Mapping[str, object]]] | None = None
    takes: tuple[str, ...] = ()
    gives: tuple[str, ...] = ()
    exists: Callable[[Layer], bool] = field(default_factory=lambda: _always)

    def parameters_of(self, layer: Layer | None) -> Parameters:
        """Return the parameters of the query, for the collection of ``layer`` where there is one."""
        if callable(self.parameters):
            return self.parameters(layer) if layer is not None else NO_PARAMETERS
        return self.parameters

    def query_of(self, layer: Layer | None) -> Parameters:
        """Return all that may stand in the query: ``f``, for pages ``lang``, and the parameters of this operation."""
        return {**common_parameters(self.formats), **self.parameters_of(layer)}


@dataclass(frozen=True, slots=True, eq=False)
class Resource:
    """A path below ``/ogc`` with its operations by method; variables of the path are in braces, ``{collection}`` a layer's id."""

    path: str
    operations: Mapping[str, Operation]
    pattern: re.Pattern[str] = field(init=False)

    def __post_init__(self) -> None:
        pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", re.escape(self.path).replace(r"\{", "{").replace(r"\}", "}"))
        object.__setattr__(self, "pattern", re.compile(pattern))


def operations_of(resource: Resource, layer: Layer | None) -> Mapping[str, Operation]:
    """Return the operations that a resource has by method, for the collection of ``layer`` where there is one."""
    return {method: one for method, one in resource.operations.items() if layer is None or one.exists(layer)}


def get(path: str, operation: Operation) -> Resource:
    """Return a resource that can only be read."""
    return Resource(path, {"GET": operation})
