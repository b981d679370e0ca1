"""Named tuples of flat arrays as one run of bytes, and back without a copy.

The bytes are a preamble of 64, a header in JSON, and the arrays, each at a multiple of 64 bytes from the start, in the byte
order of the machine. Read from a memory-mapped file, every array is a view of the file, so that processes share its pages.

A checksum covers the header, another one the arrays: the words of each block of 64 KiB are added up, and the sums go into
a CRC, which is read at the speed of the memory and notices what happens to files: pieces that are missing, empty,
exchanged or flipped. It is no defence against somebody who means harm.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple, TypeVar, get_args, get_origin, get_type_hints

import numpy as np
import orjson
from numpy.typing import NDArray

from gisgrid.errors import SourceError

MAGIC = b"\x89gisgrid-locator"
FORMAT = 2
"""Number of the layout and of the meaning of what is in it; raise it when either changes."""

_ALIGNED = 64
_BLOCK_WORDS = 1 << 13
_ORDER = 0x01020304
# Magic, byte order, format, size of the header, CRCs of the header and of the arrays' sums, size of all; the CRC of all these.
_PREAMBLE = struct.Struct("=16sIIQIIQ")
_CHECK = struct.Struct("=I")
_MAKE_AGAIN = "Make the file again with `gisgrid locator save` or Locator.save."

Buffer = bytes | bytearray | memoryview | NDArray[np.uint8]
"""What can hold the bytes; a memory map comes as the array of its bytes."""

Packed = TypeVar("Packed", bound=tuple[Any, ...])


class Header(NamedTuple):
    """What the start of the bytes tells: what the maker wrote about them, and name, type, shape and place of each array."""

    about: dict[str, Any]
    arrays: list[tuple[str, str, list[int], int]]


def pack(value: tuple[Any, ...], about: dict[str, Any]) -> bytearray:
    """Return a named tuple (of arrays, numbers, texts, and tuples of them, as its annotations say) as bytes.

    ``about`` goes into the header, as JSON. Raises TypeError where a value is not of the type that is annotated.
    """
    leaves = dict(_leaves(type(value), value, ""))
    places, end = [], 0
    for name, array in leaves.items():
        places.append((name, array.dtype.name, list(array.shape), end))
        end += -(-array.nbytes // _ALIGNED) * _ALIGNED
    header = orjson.dumps({"about": about, "arrays": places})
    start = _start_of_arrays(len(header))
    packed = bytearray(start + end)
    for array, (_, _, _, offset) in zip(leaves.values(), places, strict=True):
        packed[start + offset : start + offset + array.nbytes] = array.tobytes()
    _PREAMBLE.pack_into(packed, 0, MAGIC, _ORDER, FORMAT, len(header), zlib.crc32(header), _checksum(packed, start), len(packed))
    _CHECK.pack_into(packed, _ALIGNED - _CHECK.size, zlib.crc32(packed[: _ALIGNED - _CHECK.size]))
    packed[_ALIGNED : _ALIGNED + len(header)] = header
    return packed


def unpack(kind: type[Packed], buffer: Buffer, name: str) -> tuple[Packed, dict[str, Any]]:
    """Return the named tuple of type ``kind`` that ``pack`` made into bytes, its arrays views of them, and ``about``.

    ``name`` is what to call the bytes in errors: SourceError when they are cut, damaged, of another kind or of another version.
    """
    view = _aligned(buffer)
    header, start = _read_header(view, name, len(view))
    if _checksum(view, start) != _PREAMBLE.unpack_from(view.data)[5]:
        raise SourceError(f"{name} is damaged: its contents are not what was written.", _MAKE_AGAIN)
    found = {}
    for leaf, dtype, shape, offset in header.arrays:
        kind_of_number = np.dtype(dtype)
        size = int(np.prod(shape, dtype=np.int64)) * kind_of_number.itemsize
        found[leaf] = view[start + offset : start + offset + size].view(kind_of_number).reshape(shape)
    try:
        return _built(kind, found, ""), header.about
    except KeyError as error:
        raise SourceError(f"{name} was made by another version of gisgrid: it has no {error.args[0]}.", _MAKE_AGAIN) from None


def read_about(buffer: Buffer, name: str, size: int) -> dict[str, Any]:
    """Return ``about`` alone, from the first bytes of ``size``, of which at least the header must be given; errors as ``unpack``."""
    return _read_header(_aligned(buffer), name, size)[0].about


def header_size(first: bytes) -> int:
    """Return how many bytes of the whole hold the preamble and the header, as the first 64 bytes say; 64 when they do not."""
    if len(first) < _ALIGNED or not first.startswith(MAGIC):
        return _ALIGNED
    return _ALIGNED + int(_PREAMBLE.unpack_from(first)[3])


def _read_header(view: NDArray[np.uint8], name: str, size: int) -> tuple[Header, int]:
    """Return the header of bytes of which there are ``size`` in all, and where the arrays start; raises SourceError."""
    first = view[:_ALIGNED].tobytes()
    if not first:
        raise SourceError(f"{name} is empty.", _MAKE_AGAIN)
    if not first.startswith(MAGIC[: len(first)]):
        raise SourceError(f"{name} is not a file of a locator.", "Give a file that `gisgrid locator save` or Locator.save has made.")
    if len(first) < _ALIGNED:
        raise SourceError(f"{name} is cut: only {size} bytes of it are there.", _MAKE_AGAIN)
    _, order, version, length, header_crc, _, total = _PREAMBLE.unpack_from(first)
    if order == int.from_bytes(_ORDER.to_bytes(4, "little"), "big"):
        raise SourceError(f"{name} was made on a machine with another byte order.", "Make the file on a machine like this one.")
    if _CHECK.unpack_from(first, _ALIGNED - _CHECK.size)[0] != zlib.crc32(first[: -_CHECK.size]):
        raise SourceError(f"{name} is damaged: its first bytes are not what was written.", _MAKE_AGAIN)
    if version != FORMAT:
        newer = version > FORMAT
        advice = "Use the version of gisgrid that made it, or make it with this one." if newer else _MAKE_AGAIN
        raise SourceError(f"{name} is of format {version}, {'newer' if newer else 'older'} than this gisgrid's {FORMAT}.", advice)
    if size != total:
        cut = "cut" if size < total else "damaged"
        raise SourceError(f"{name} is {cut}: it has {size:,} bytes, and {total:,} were written.", _MAKE_AGAIN)
    text = view[_ALIGNED : _ALIGNED + length].tobytes()
    if zlib.crc32(text) != header_crc:
        raise SourceError(f"{name} is damaged: its header is not what was written.", _MAKE_AGAIN)
    document = orjson.loads(text)
    return Header(document["about"], [tuple(place) for place in document["arrays"]]), _start_of_arrays(length)


def _start_of_arrays(header: int) -> int:
    return -(-(_ALIGNED + header) // _ALIGNED) * _ALIGNED


def _aligned(buffer: Buffer) -> NDArray[np.uint8]:
    """Return the bytes as an array that starts where numbers may start, and that nobody can write to."""
    view = np.frombuffer(buffer, np.uint8)
    if view.ctypes.data % 16:
        view = np.copy(view)
    view = view.view()
    view.flags.writeable = False
    return view


def _checksum(buffer: Buffer, start: int) -> int:
    """Return a checksum of all bytes from ``start`` on, a multiple of 8 of them."""
    words = np.frombuffer(buffer, np.uint64, offset=start)
    whole = len(words) // _BLOCK_WORDS * _BLOCK_WORDS
    sums = words[:whole].reshape(-1, _BLOCK_WORDS).sum(axis=1, dtype=np.uint64)
    return zlib.crc32(np.append(sums, words[whole:].sum(dtype=np.uint64)).tobytes())


@cache
def _fields(kind: Any) -> tuple[tuple[str, Any], ...]:
    """Return name and annotation of each field of a type of named tuples."""
    hints = get_type_hints(kind)
    return tuple((field, hints[field]) for field in kind._fields)


def _leaves(hint: Any, value: Any, name: str) -> Iterator[tuple[str, NDArray[Any]]]:
    """Yield the arrays that a value of the annotated type is made of, with their names."""
    if _is_tuple(hint):
        for field, inner in _fields(hint):
            yield from _leaves(inner, getattr(value, field), f"{name}.{field}")
    elif get_origin(hint) is tuple and get_args(hint)[-1] is Ellipsis:
        yield from zip((f"{name}.{part}" for part in _TEXTS), _of_texts(value), strict=True)
    elif get_origin(hint) is tuple:
        for number, (inner, member) in enumerate(zip(get_args(hint), value, strict=True)):
            yield from _leaves(inner, member, f"{name}.{number}")
    else:
        array = np.asarray(value, order="C")
        if array.dtype != _dtype(hint):
            raise TypeError(f"{name} holds {array.dtype}, not {_dtype(hint)}")
        yield name, array


def _built(hint: Any, arrays: dict[str, NDArray[Any]], name: str) -> Any:
    """Return the value of the annotated type that is made of the arrays; raises KeyError for one that is not there."""
    if _is_tuple(hint):
        return hint(*(_built(inner, arrays, f"{name}.{field}") for field, inner in _fields(hint)))
    if get_origin(hint) is tuple and get_args(hint)[-1] is Ellipsis:
        return _to_texts(*(arrays[f"{name}.{part}"] for part in _TEXTS))
    if get_origin(hint) is tuple:
        return tuple(_built(inner, arrays, f"{name}.{number}") for number, inner in enumerate(get_args(hint)))
    array = arrays[name]
    if array.dtype != _dtype(hint):
        raise KeyError(f"{name} of {_dtype(hint)}")
    return array if get_origin(hint) is np.ndarray else array.item()


def _is_tuple(hint: Any) -> bool:
    return isinstance(hint, type) and hasattr(hint, "_fields")


def _dtype(hint: Any) -> np.dtype[Any]:
    """Return the type of number that an annotation asks for: an array's, or that of a single float, int or bool."""
    if get_origin(hint) is np.ndarray:
        hint = get_args(get_args(hint)[1])[0]
    found: np.dtype[Any] = np.dtype(hint)
    return found


_TEXTS = ("utf8", "end", "missing")


def _of_texts(texts: tuple[str | None, ...]) -> tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.bool_]]:
    """Return texts as UTF-8, the end of each therein, and which are None."""
    # A lone surrogate is no character, but it can be in a text, and what goes in must come out.
    encoded = [(text or "").encode("utf-8", "surrogatepass") for text in texts]
    ends = np.cumsum([len(text) for text in encoded], dtype=np.int64)
    return np.frombuffer(b"".join(encoded), np.uint8), ends, np.array([text is None for text in texts], dtype=bool)


def _to_texts(utf8: NDArray[np.uint8], end: NDArray[np.int64], missing: NDArray[np.bool_]) -> tuple[str | None, ...]:
    whole, start = utf8.tobytes(), 0
    texts: list[str | None] = []
    for stop, is_missing in zip(end.tolist(), missing.tolist(), strict=True):
        texts.append(None if is_missing else whole[start:stop].decode("utf-8", "surrogatepass"))
        start = stop
    return tuple(texts)
