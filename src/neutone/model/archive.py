"""The zip archive in which TorchScript keeps a model. It is checked without PyTorch, and none of its code is run."""

from __future__ import annotations

import pickletools
import struct
import zipfile
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from neutone.errors import ModelFileError
from neutone.limits import MAX_METADATA_BYTES

METADATA_FILE = "metadata.json"

UNSET = 0xFFFFFFFF
"""The value of a field in the zip end record if the number is in the 64-bit end record instead."""
MAX_INFLATION = 8
SPARE_BYTES = 1 << 26
"""An archive may unpack to `MAX_INFLATION` times its size plus `SPARE_BYTES`. torch.jit.save does not compress, but a
file may have been packed again; a zip bomb of 3 MB unpacks to gigabytes."""
MAX_ENTRIES = 100_000
MAX_OPERATIONS = 1_000_000
"""The most operations that a pickle may have; a tensor takes about 40."""

ELEMENT_BYTES = {
    f"{kind}Storage": size
    for size, kinds in {
        2: ("Half", "BFloat16", "Short"),
        4: ("Float", "Int"),
        8: ("Double", "Long", "ComplexFloat"),
        16: ("ComplexDouble",),
    }.items()
    for kind in kinds
}
"""The element size of PyTorch's storage classes in bytes. For other classes, 1 is a safe lower limit."""


def check_archive(path: Path) -> None:
    """Check that PyTorch can open an archive safely.

    PyTorch reserves memory by the sizes in the archive's directory, so these count; entries that share bytes count
    each.

    Raises :class:`~neutone.errors.ModelFileError` if the file is not a zip archive, if it unpacks to far more than its
    size, or if it holds fewer bytes of a tensor than it declares (PyTorch would read past its end).
    """
    with _open(path) as archive:
        sizes = {entry.filename: entry.file_size for entry in archive.infolist()}
        for pickle_name, folder in (("data.pkl", "data"), ("constants.pkl", "constants")):
            for name in (name for name in sizes if name.partition("/")[2] == pickle_name):
                root = name.partition("/")[0]
                for key, expected in _storages(archive, name, path):
                    held = sizes.get(f"{root}/{folder}/{key}", expected)
                    if held < expected:
                        raise ModelFileError(
                            f"{path} is damaged: the tensor {folder}/{key} has {held} bytes, expected {expected}"
                        )


def read_archive_metadata(path: Path) -> bytes | None:
    """Return the archive's ``metadata.json``, or None if it has none.

    Raises :class:`~neutone.errors.ModelFileError` if the file is not a zip archive or exceeds a size limit.
    """
    with _open(path) as archive:
        # TorchScript puts everything into one folder, which may have any name.
        found = [entry for entry in archive.infolist() if _is_metadata(entry.filename)]
        if not found:
            return None
        if found[0].file_size > MAX_METADATA_BYTES:
            raise ModelFileError(
                f"{path}: {METADATA_FILE} unpacks to {found[0].file_size} bytes, expected {MAX_METADATA_BYTES} at most"
            )
        try:
            with archive.open(found[0]) as file:
                return file.read(MAX_METADATA_BYTES)
        except Exception as error:  # zlib's, zipfile's or OSError, depending on what is wrong with the file
            raise ModelFileError(f"{path}: {METADATA_FILE} cannot be unpacked: {error}") from error


def _storages(archive: zipfile.ZipFile, name: str, path: Path) -> Iterator[tuple[str, int]]:
    """Yield the key and the size in bytes of each storage that a pickle refers to. The pickle is read, never executed.

    A storage is a persistent id: the tuple ("storage", class, key, device, number of elements).
    """
    recent: deque[Any] = deque(maxlen=5)
    memo: dict[Any, Any] = {}
    try:
        for count, (operation, argument, _) in enumerate(pickletools.genops(archive.read(name))):
            if count == MAX_OPERATIONS:
                raise ValueError(f"it has more than {MAX_OPERATIONS} operations")
            if operation.name in ("BINPUT", "LONG_BINPUT"):
                memo[argument] = recent[-1] if recent else None
            elif operation.name in ("BINGET", "LONG_BINGET"):
                recent.append(memo.get(argument))
            elif operation.name == "BINPERSID" and len(recent) == 5 and recent[0] == "storage":
                _, kind, key, _, elements = recent
                yield str(key), int(elements) * ELEMENT_BYTES.get(str(kind).rpartition(" ")[2], 1)
            elif operation.name not in ("MARK", "TUPLE"):
                recent.append(argument)
    except Exception as error:  # ValueError or others, depending on what is wrong with the pickle
        raise ModelFileError(
            f"{path} is damaged: {name} is not a pickle: {str(error) or type(error).__name__}"
        ) from error


def _is_metadata(name: str) -> bool:
    folder, _, rest = name.partition("/")
    return bool(folder) and rest == f"extra/{METADATA_FILE}"


def _refuse_two_directories(path: Path) -> None:
    """Raise unless the zip directory ends where its end record begins, and starts where that record says.

    Then readers that search for the directory in other ways find the same one. Otherwise PyTorch might open something
    else than what was checked here."""
    end_size, locator_size, end64_size = 22, 20, 56
    with path.open("rb") as file:
        end = file.seek(0, 2) - end_size
        file.seek(max(0, end - locator_size))
        tail = file.read()
        record = tail[-end_size:]
        if len(record) < end_size or record[:4] != b"PK\x05\x06" or record[-2:] != b"\0\0":
            raise ModelFileError(f"{path}: the archive does not end with its directory")
        size, start = struct.unpack("<II", record[12:20])
        locator = tail[:-end_size]
        if locator[:4] == b"PK\x06\x07":
            (place,) = struct.unpack("<Q", locator[8:16])
            file.seek(min(place, end))
            record64 = file.read(end64_size)
            if record64[:4] != b"PK\x06\x06" or place + end64_size != end - locator_size:
                raise ModelFileError(f"{path}: the archive does not end with its directory")
            size64, start64 = struct.unpack("<QQ", record64[40:56])
            if size not in (size64, UNSET) or start not in (start64, UNSET):
                raise ModelFileError(f"{path}: the archive has two directories")
            size, start, end = size64, start64, place
    if start + size != end:
        raise ModelFileError(f"{path}: the archive's directory is not where its end record says")


def _open(path: Path) -> zipfile.ZipFile:
    try:
        archive = zipfile.ZipFile(path)
    except Exception as error:  # BadZipFile, struct.error, OverflowError or others, depending on what is wrong
        raise ModelFileError(
            f"{path} is not a TorchScript archive (torch.jit.save makes one): {str(error) or type(error).__name__}"
        ) from error
    try:
        _refuse_two_directories(path)
        entries = archive.infolist()
        unpacked, most = sum(entry.file_size for entry in entries), MAX_INFLATION * path.stat().st_size + SPARE_BYTES
        if unpacked > most:
            raise ModelFileError(
                f"{path} unpacks to {unpacked} bytes, expected {most} at most for a file of its size: a zip bomb?"
            )
        if len(entries) > MAX_ENTRIES:
            raise ModelFileError(f"{path} holds {len(entries)} files, expected {MAX_ENTRIES} at most")
        if len({entry.filename for entry in entries}) < len(entries):
            raise ModelFileError(f"{path} holds two files of one name")
    except BaseException:
        archive.close()
        raise
    return archive
