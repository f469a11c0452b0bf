"""The zip file that TorchScript keeps a model in, looked at without PyTorch and without running anything of it."""

from __future__ import annotations

import zipfile
from pathlib import Path

from neutone.errors import ModelFileError
from neutone.limits import MAX_METADATA_BYTES

__all__ = ["METADATA_FILE", "check_archive", "read_archive_metadata"]

METADATA_FILE = "metadata.json"

MAX_INFLATION = 8
SPARE_BYTES = 1 << 26
"""an archive may be unpacked to `MAX_INFLATION` times its size and this much: torch.jit.save does not compress, but
whoever packs one again may; a zip bomb of 3 MB comes to gigabytes"""
MAX_ENTRIES = 100_000


def check_archive(path: Path) -> None:
    """Raise :class:`~neutone.errors.ModelFileError` if it is no zip archive, or unpacks to far more than its size.

    What the archive's directory says is what PyTorch makes room for; entries that share bytes count each.
    """
    with _open(path):
        pass


def read_archive_metadata(path: Path) -> bytes | None:
    """The archive's ``metadata.json``, or None if it has none.

    Raises :class:`~neutone.errors.ModelFileError` if the file is no zip archive, or holds more than it may.
    """
    with _open(path) as archive:
        # TorchScript puts everything into a folder of any name.
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
        except Exception as error:  # zlib's, zipfile's, OSError, by what is wrong with the file
            raise ModelFileError(f"{path}: {METADATA_FILE} cannot be unpacked: {error}") from error


def _is_metadata(name: str) -> bool:
    folder, _, rest = name.partition("/")
    return bool(folder) and rest == f"extra/{METADATA_FILE}"


def _open(path: Path) -> zipfile.ZipFile:
    try:
        archive = zipfile.ZipFile(path)
    except Exception as error:  # BadZipFile, struct.error, OverflowError and others, by what is wrong with the file
        raise ModelFileError(
            f"{path} is not a TorchScript archive (torch.jit.save makes one): {str(error) or type(error).__name__}"
        ) from error
    try:
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
