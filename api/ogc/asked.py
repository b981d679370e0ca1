"""A request below ``/ogc``: what was asked, once the table of operations has said what it is."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from api.asgi import Receive, Scope, header
from api.backend import Backend
from gisgrid.errors import NotFoundError, TooLargeError, UsageError
from gisgrid.layers import LAYERS, REJECTED_ROWS, Layer


@dataclass(frozen=True, slots=True)
class Asked:
    """One request: ``names`` are the variable parts of its path, ``query`` its parameters, all of them declared.

    ``format`` is the one that was negotiated, by its word in ``f``; ``language`` that of titles, ``zh`` or ``en``; ``base`` the
    address of the landing page without a slash at its end, as the client wrote it.
    """

    backend: Backend
    scope: Scope
    receive: Receive
    base: str
    path: str
    names: Mapping[str, str]
    query: Mapping[str, str]
    format: str
    language: str = "zh"
    memory: dict[str, object] = field(default_factory=dict)

    @property
    def layer(self) -> Layer:
        """The layer that the path calls ``collection``; raises NotFoundError when there is none that the client may see."""
        return visible_layer(self.names["collection"])

    @property
    def is_read(self) -> bool:
        """Whether nothing is to be changed."""
        return self.scope["method"] in ("GET", "HEAD")

    def word(self, zh: str, en: str) -> str:
        """Return the one of two words that is in the language of the answer."""
        return zh if self.language == "zh" else en

    def header(self, name: bytes) -> str:
        """Return a request header (``name`` in lower case); empty when it is absent."""
        return header(self.scope, name)

    async def body(self, most_bytes: int) -> bytes:
        """Return the whole body.

        Raises TooLargeError when it is longer than ``most_bytes``, UsageError when for `stream_idle_s` nothing more of it comes.
        """
        idle_s = self.backend.settings.api.stream_idle_s
        chunks, size = [], 0
        while True:
            try:
                message = await asyncio.wait_for(self.receive(), idle_s)
            except TimeoutError:
                raise UsageError(f"For {idle_s:g} s nothing more of the body came.", "Send it again.") from None
            if message["type"] == "http.disconnect":
                return b""
            chunk: bytes = message.get("body", b"")
            chunks.append(chunk)
            size += len(chunk)
            if size > most_bytes:
                raise TooLargeError(f"The body has more than {most_bytes:,} bytes.", "Send fewer at a time.")
            if not message.get("more_body", False):
                return b"".join(chunks)


def visible_layers() -> tuple[Layer, ...]:
    """Return the layers that anybody may see."""
    return _VISIBLE


def known_layers() -> tuple[Layer, ...]:
    """Return all layers that there are collections of, those that only editors may see last."""
    return _KNOWN


_VISIBLE = tuple(layer for layer in LAYERS if layer.public)
_KNOWN = (*_VISIBLE, REJECTED_ROWS)
_BY_ID = {layer.id: layer for layer in _KNOWN}


def visible_layer(id: str) -> Layer:
    """Return the layer called ``id``, which may be for editors only; raises NotFoundError that lists those for everybody."""
    found = _BY_ID.get(id)
    if found is None:
        raise NotFoundError(f"There is no collection {id[:80]!r}.", f"Collections: {', '.join(layer.id for layer in visible_layers())}.")
    return found
