"""TorchScript archives, which are zip files, with other metadata, other entries, or wrong sizes."""

from __future__ import annotations

import io
import random
import re
import struct
import zipfile
import zlib

from fuzz.mutate_bytes import mutate_bytes
from fuzz.mutate_metadata import silly_metadata

__all__ = ["bomb", "mutate_archive"]

LOCAL, CENTRAL, END = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
METADATA = "extra/metadata.json"


def bomb(size: int) -> bytes:
    """Return deflated spaces, a thousand times smaller than `size`."""
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
    chunk = b" " * (1 << 20)
    return b"".join(compressor.compress(chunk) for _ in range(size >> 20)) + compressor.flush()


def mutate_archive(rng: random.Random, data: bytes, bombs: dict[int, bytes]) -> bytes:
    """Return a changed archive. `bombs` maps sizes to the deflated data that unpack to them."""
    kind = rng.randrange(10)
    if kind == 0:
        return mutate_bytes(rng, data)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries = [(info.filename, archive.read(info)) for info in archive.infolist()]
    root = entries[0][0].split("/")[0]
    names = [name for name, _ in entries]
    has_metadata = f"{root}/{METADATA}" in names
    if kind <= 4 and has_metadata:
        place = names.index(f"{root}/{METADATA}")
        entries[place] = (names[place], silly_metadata(rng, entries[place][1]))
        return _pack(entries)
    if kind == 5:
        size = rng.choice(sorted(bombs))
        name = f"{root}/{rng.choice([METADATA, 'data.pkl', 'constants.pkl', 'version', 'data/0', 'more'])}"
        return _with_bomb([e for e in entries if e[0] != name], name, bombs[size], size)
    if kind == 6:
        return _with_wrong_directory(rng, _pack(entries))
    place = rng.randrange(len(entries))
    name, content = entries[place]
    if kind == 7:
        entries[place] = (name, _edit(rng, content) if name.endswith(".py") else mutate_bytes(rng, content))
    elif kind == 8:
        del entries[place]
    else:
        entries.append((name, rng.choice([content, mutate_bytes(rng, content), b""])))
    return _pack(entries)


def _edit(rng: random.Random, content: bytes) -> bytes:
    """Return TorchScript code with another number, or without a line."""
    text = content.decode("utf-8", "replace")
    numbers = list(re.finditer(r"\b\d+\b", text))
    if numbers and rng.random() < 0.6:
        at = rng.choice(numbers)
        return (text[: at.start()] + str(rng.choice([0, 1, 2, 3, 511, 1 << 31, 1 << 62])) + text[at.end() :]).encode()
    lines = text.splitlines(keepends=True)
    if lines:
        del lines[rng.randrange(len(lines))]
    return "".join(lines).encode()


def _pack(entries: list[tuple[str, bytes]]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name, content in entries:
            info = zipfile.ZipInfo(name)
            local = LOCAL if name not in archive.NameToInfo else None
            if local is None:  # zipfile warns of names that it has already written
                archive.NameToInfo.pop(name)
            archive.writestr(info, content)
    return out.getvalue()


def _with_bomb(entries: list[tuple[str, bytes]], name: str, deflated: bytes, size: int) -> bytes:
    """Return the archive with one more entry, which is already deflated; zipfile would compress it again."""
    packed = _pack(entries)
    end = packed.rindex(END)
    count, directory_size, directory = struct.unpack("<HII", packed[end + 10 : end + 20])
    checksum = 0
    chunk = b" " * (1 << 20)
    for _ in range(size >> 20):
        checksum = zlib.crc32(chunk, checksum)
    encoded = name.encode()
    common = struct.pack("<HHHHHIIIHH", 20, 0, 8, 0, 33, checksum, len(deflated), size, len(encoded), 0)
    local = LOCAL + common + encoded + deflated
    central = CENTRAL + struct.pack("<H", 20) + common + struct.pack("<HHHII", 0, 0, 0, 0, directory) + encoded
    new_end = END + struct.pack(
        "<HHHHIIH", 0, 0, count + 1, count + 1, directory_size + len(central), directory + len(local), 0
    )
    return packed[:directory] + local + packed[directory:end] + central + new_end


def _with_wrong_directory(rng: random.Random, packed: bytes) -> bytes:
    """Return the archive with sizes, offsets or names in its directory that are not those of the entries: they overlap,
    or lie outside."""
    changed = bytearray(packed)
    places = [m.start() for m in re.finditer(re.escape(CENTRAL), packed)]
    for _ in range(rng.choice([1, 2, 5])):
        place = rng.choice(places)
        field, size = rng.choice([(10, 2), (16, 4), (20, 4), (24, 4), (28, 2), (30, 2), (42, 4)])
        before = int.from_bytes(changed[place + field : place + field + size], "little")
        after = rng.choice([0, 1, before + 1, before // 2, 1 << 8 * size - 1, (1 << 8 * size) - 1, rng.choice(places)])
        changed[place + field : place + field + size] = (after % (1 << 8 * size)).to_bytes(size, "little")
    return bytes(changed)
