"""The parent process: starts the sandboxed process, ends it when its time is up, and trusts nothing that it says."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from neutone import errors
from neutone.errors import NeutoneError, SandboxError, SandboxWarning
from neutone.sandbox.limits import Limits
from neutone.sandbox.protections import Protections, available_protections
from neutone.sandbox.readable import import_folders, readable_paths
from neutone.sandbox.results import MAX_REPLY, plain_text

MAX_CHATTER = 64 << 10
"""How many bytes of the process's printed text are kept."""
PATIENCE = 10.0
"""How many seconds to wait for the output of an ended process."""
CACHE = "cache"
KEPT_VARIABLES = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "PYTHONHOME", "SYSTEMROOT", "PATHEXT", "COMSPEC")


@dataclass(frozen=True)
class SandboxAnswer:
    """What a sandboxed function returned. It comes from an untrusted process, so check it as you would check a file.

    Attributes:
        value: A value that JSON can hold.
        files: The contents of the files that the function returned, by name.
        protections: The protections that were in force.
    """

    value: Any
    files: Mapping[str, bytes]
    protections: Protections


def run_sandboxed(
    function: str,
    arguments: Mapping[str, Any],
    *,
    readable: Sequence[Path] = (),
    modules: Sequence[str] = (),
    limits: Limits | None = None,
    protections: Protections | None = None,
) -> SandboxAnswer:
    """Run a function in a new Python process that has given up its rights.

    Args:
        function: The function, as ``"package.module:function"``.
        arguments: Its keyword arguments, which must be values that JSON can hold. Paths are absolute, and given as
            text.
        readable: Files and folders that it may read, besides Python and its libraries.
        modules: Modules to import before memory is limited, such as ``"torch"``.
        limits: The limits on time, memory and files.
        protections: The protections to switch on; None for all that this system has.

    Returns:
        What the function returned: a value that JSON can hold, or :class:`Results` with files. Control characters in
        its texts are replaced by question marks.

    Raises:
        neutone.errors.SandboxError: The process took too long or too much memory, crashed, or did something forbidden.
        neutone.errors.NeutoneError: The function raised an error of this class in :mod:`neutone.errors`.

    Warns:
        neutone.errors.SandboxWarning: This system can limit time and resources only.

    >>> run_sandboxed("os.path:basename", {"p": "/a/b"}).value
    'b'
    """
    limits = limits or Limits()
    protections = protections or available_protections()
    if not (protections.seccomp or protections.landlock_abi):
        warnings.warn(
            "this system has neither Landlock nor seccomp: the sandbox limits time and resources, but code in a model "
            "file can read and write your files and use the network",
            SandboxWarning,
            stacklevel=2,
        )
    needed = [function.partition(":")[0], *modules]
    folder = Path(tempfile.mkdtemp(prefix="neutone-")).resolve()
    try:
        (folder / CACHE).mkdir()  # PyTorch needs it, and cannot create it without Landlock
        request = {
            "function": function,
            "arguments": dict(arguments),
            "folder": str(folder),
            "modules": list(modules),
            "readable": [str(path) for path in [*readable_paths(needed), *(path.resolve() for path in readable)]],
            "limits": asdict(limits),
            "protections": asdict(protections),
        }
        reply = _exchange(json.dumps(request).encode(), _environment(folder, needed), folder, limits)
    finally:
        _remove(folder)
    return _read(reply, protections, limits)


def _environment(folder: Path, needed: Sequence[str]) -> dict[str, str]:
    """Return the few environment variables that are needed: others may hold passwords."""
    kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
    places = dict.fromkeys(("HOME", "USERPROFILE", "TMPDIR", "TEMP", "TMP", "XDG_CACHE_HOME"), str(folder))
    one_thread = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    return {
        **kept,
        **places,
        **one_thread,
        "TORCHINDUCTOR_CACHE_DIR": str(folder / CACHE),
        "USER": "nobody",
        "LOGNAME": "nobody",
        "LC_ALL": "C.UTF-8",
        "PYTHONPATH": os.pathsep.join(import_folders(needed)),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONIOENCODING": "utf-8",
        "PYTHONWARNINGS": "ignore",
    }


def _exchange(request: bytes, environment: dict[str, str], folder: Path, limits: Limits) -> bytes:
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "neutone.sandbox.child"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        cwd=folder,
        close_fds=True,
        start_new_session=True,
    )
    most = MAX_REPLY + (limits.file_mb << 20)
    reply, chatter = bytearray(), bytearray()
    readers = [
        threading.Thread(target=_collect, args=(process.stdout, reply, most, process), daemon=True),
        threading.Thread(target=_collect, args=(process.stderr, chatter, MAX_CHATTER, None), daemon=True),
    ]
    try:
        for reader in readers:
            reader.start()
        assert process.stdin is not None
        with contextlib.suppress(BrokenPipeError), process.stdin:
            process.stdin.write(request)
        try:
            code = process.wait(limits.seconds)
        except subprocess.TimeoutExpired:
            raise SandboxError(
                f"the file took longer than the time limit of {limits.seconds:g} s (--time-limit, Limits.seconds)"
            ) from None
    finally:
        _end(process)
        for reader in readers:
            reader.join(PATIENCE)  # a process that was able to leave the process group may still be writing
    if len(reply) > most:
        raise SandboxError(f"the process sent more than the {limits.file_mb} MiB that a result may have")
    if code != 0 or not reply:
        raise SandboxError(_explain_end(code, chatter.decode(errors="replace"), limits))
    return bytes(reply)


def _collect(stream: IO[bytes], into: bytearray, most: int, to_end: subprocess.Popen[bytes] | None) -> None:
    """Read a stream to its end.
    Once there is more than `most`, the rest is dropped and the process, if given, is ended."""
    with stream:
        while chunk := os.read(stream.fileno(), 1 << 16):
            if len(into) <= most:
                into += chunk
            elif to_end is not None:
                to_end.kill()


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the process, and all processes that it may have started."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if sys.platform == "win32":
            process.kill()
        elif process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _remove(folder: Path) -> None:
    """Remove a folder, even if an untrusted process has tried to make that hard."""
    with contextlib.suppress(RecursionError):
        shutil.rmtree(folder, ignore_errors=True)
    if folder.exists() and os.name == "posix":
        # Folders may be unreadable, or nested a thousand deep. These programs do not recurse.
        for command in (["chmod", "-R", "u+rwX"], ["rm", "-rf"]):
            with contextlib.suppress(OSError):
                subprocess.run([*command, "--", str(folder)], stderr=subprocess.DEVNULL, check=False)


def _explain_end(code: int, chatter: str, limits: Limits) -> str:
    if "bad_alloc" in chatter or "MemoryError" in chatter or "annot allocate memory" in chatter:
        return _memory_message(limits)
    try:
        name = signal.Signals(-code).name if code < 0 else ""
    except ValueError:
        name = f"signal {-code}"
    if not name:
        return f"the process ended with exit code {code} and without a result"
    meaning = {
        "SIGSYS": "it made a system call that is never allowed",
        "SIGXCPU": "it used more processor time than the time limit allows",
        "SIGXFSZ": f"it wrote a file of more than {limits.file_mb} MiB",
        "SIGKILL": "the system ended it, perhaps for want of memory",
    }.get(name, "it crashed")
    return f"the process ended by {name}: {meaning}"


def _memory_message(limits: Limits) -> str:
    return f"the file needs more memory than the limit of {limits.memory_mb} MiB (--memory-limit, Limits.memory_mb)"


def _read(reply: bytes, protections: Protections, limits: Limits) -> SandboxAnswer:
    line, _, contents = reply.partition(b"\n")
    try:
        document = plain_text(json.loads(line)) if len(line) <= MAX_REPLY else None
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise SandboxError("the process sent something that is not a result")
    if "error" in document:
        raise _error(str(document["error"]), str(document.get("message", "")), limits)
    sizes = document.get("files", {})
    if not isinstance(sizes, dict) or any(type(size) is not int or size < 0 for size in sizes.values()):
        raise SandboxError("the process sent something that is not a result")
    if sum(sizes.values()) != len(contents):
        raise SandboxError("the process sent files of other sizes than it said")
    files, start = {}, 0
    for name, size in sizes.items():
        files[name] = contents[start : start + size]
        start += size
    return SandboxAnswer(document.get("value"), files, protections)


def _error(kind: str, message: str, limits: Limits) -> Exception:
    if kind == "memory":
        return SandboxError(_memory_message(limits))
    if kind == "refused":
        return SandboxError(f"the file tried something that the sandbox refuses: {message}")
    found = getattr(errors, kind, None) if kind in errors.__all__ else None
    if isinstance(found, type) and issubclass(found, NeutoneError):
        return found(message)
    return SandboxError(f"in the sandbox: {message}")
