"""The wire format of Protocol Buffers, as far as ONNX files use it: https://protobuf.dev/programming-guides/encoding."""

from __future__ import annotations

from collections.abc import Iterator

__all__ = ["Field", "fields", "packed_integers"]

Field = tuple[int, "int | memoryview"]
"""A field's number, and its value: an integer, or the bytes of a string, of a message or of packed numbers."""

VARINT, FIXED_64, BYTES, FIXED_32 = 0, 1, 2, 5
LONGEST_VARINT = 10


def fields(data: memoryview) -> Iterator[Field]:
    """The fields of a message, in the order of the file.

    Raises :class:`ValueError` for what is no message.

    >>> [(number, bytes(value)) for number, value in fields(memoryview(b"\\x0a\\x03amp"))]
    [(1, b'amp')]
    """
    position = 0
    while position < len(data):
        key, position = _varint(data, position)
        number, kind = key >> 3, key & 7
        if kind == VARINT:
            value, position = _varint(data, position)
            yield number, value
            continue
        if kind == BYTES:
            length, position = _varint(data, position)
        elif kind in (FIXED_64, FIXED_32):
            length = 8 if kind == FIXED_64 else 4
        else:
            raise ValueError(f"a field of type {kind}")
        if number == 0 or length > len(data) - position:
            raise ValueError(f"field {number} of {length} bytes reaches beyond its end")
        yield number, data[position : position + length]
        position += length


def packed_integers(value: int | memoryview) -> list[int]:
    """The numbers of one occurrence of a repeated integer field, which may hold one or many.

    >>> packed_integers(7), packed_integers(memoryview(b"\\x02\\x80\\x01"))
    ([7], [2, 128])
    """
    if isinstance(value, int):
        return [value]
    numbers, position = [], 0
    while position < len(value):
        number, position = _varint(value, position)
        numbers.append(number)
    return numbers


def _varint(data: memoryview, position: int) -> tuple[int, int]:
    """An integer of seven bits a byte, the lowest first, and the position behind it."""
    value = 0
    for index, byte in enumerate(data[position : position + LONGEST_VARINT]):
        value |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            return value, position + index + 1
    raise ValueError("an integer that does not end")
