"""The wire format of Protocol Buffers, as far as ONNX files use it:
https://protobuf.dev/programming-guides/encoding."""

from __future__ import annotations

from collections.abc import Iterator

Field = tuple[int, "int | memoryview"]
"""A field's number, and its value: an integer, or the bytes of a string, of a message or of packed numbers."""

VARINT, FIXED_64, BYTES, FIXED_32 = 0, 1, 2, 5
LONGEST_VARINT = 10


class Budget:
    """How many fields and packed numbers may be read in all messages together:
    a file of 20 MB can hold ten million, and each takes a microsecond."""

    def __init__(self, most: int) -> None:
        self._most = self._left = most

    def spend(self) -> None:
        """Count one more. Raises :class:`ValueError` if there were too many."""
        self._left -= 1
        if self._left < 0:
            raise ValueError(f"it has more than {self._most} fields")


def fields(data: memoryview, budget: Budget) -> Iterator[Field]:
    """Yield the fields of a message, in the order of the file.

    Raises :class:`ValueError` if the data are not a message, or if the budget is spent.

    >>> [(number, bytes(value)) for number, value in fields(memoryview(b"\\x0a\\x03amp"), Budget(10))]
    [(1, b'amp')]
    """
    position = 0
    while position < len(data):
        budget.spend()
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


def packed_integers(value: int | memoryview, budget: Budget) -> list[int]:
    """Return the numbers in one occurrence of a repeated integer field, which holds one or many.

    >>> packed_integers(7, Budget(10)), packed_integers(memoryview(b"\\x02\\x80\\x01"), Budget(10))
    ([7], [2, 128])
    """
    if isinstance(value, int):
        return [value]
    numbers, position = [], 0
    while position < len(value):
        budget.spend()
        number, position = _varint(value, position)
        numbers.append(number)
    return numbers


def _varint(data: memoryview, position: int) -> tuple[int, int]:
    """Read an integer with seven bits per byte, lowest first. Returns it with the position after it."""
    value = 0
    for index, byte in enumerate(data[position : position + LONGEST_VARINT]):
        value |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            return value, position + index + 1
    raise ValueError("an integer that does not end")
