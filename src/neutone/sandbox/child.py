"""The sandboxed process: it gives up its rights, imports what is needed, runs the function, and sends the result.

It gives up its rights first, so that threads that libraries start on import have none either. The request comes on
stdin. The reply goes to what was stdout; everything else that is printed goes to stderr.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from neutone import errors
from neutone.sandbox.limits import Limits, limit_memory, limit_resources
from neutone.sandbox.protections import Protections
from neutone.sandbox.results import encode_failure, encode_results

OUT_OF_MEMORY = ("llocate memory", "not enough memory", "bad_alloc", "bad allocation")
REFUSED = ("Permission denied", "Operation not permitted")


def main() -> None:
    """Serve one request."""
    request = json.load(sys.stdin)
    reply = os.dup(1)
    os.dup2(2, 1)
    if sys.platform == "win32":
        import msvcrt

        msvcrt.setmode(reply, os.O_BINARY)
    folder = Path(request["folder"])
    os.chdir(folder)
    tempfile.tempdir = str(folder)  # otherwise Python would try out folders by writing, which may not be possible
    protections, limits = Protections(**request["protections"]), Limits(**request["limits"])
    try:
        protections.apply([Path(path) for path in request["readable"]], folder)
        limit_resources(limits)
    except OSError as error:
        _send(reply, encode_failure("SandboxError", f"the sandbox cannot be closed: {error}"))
        return
    try:
        for name in request["modules"]:
            importlib.import_module(name)
        module, _, function = request["function"].partition(":")
        run = getattr(importlib.import_module(module), function)
    except Exception as error:
        reason = f"{request['function']} cannot be imported in the sandbox: {error}"
        _send(reply, encode_failure(_class_name(error) or "SandboxError", reason))
        return
    try:
        limit_memory(limits)
        if protections.seccomp:
            from neutone.sandbox.seccomp import forbid_new_limits

            forbid_new_limits()
        answer = encode_results(run(**request["arguments"]))
    except BaseException as error:
        answer = encode_failure(*_explain(error))
    _send(reply, answer)


def _explain(error: BaseException) -> tuple[str, str]:
    """Return the kind of failure, and the message for it."""
    chain: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and link not in chain:
        chain.append(link)
        link = link.__cause__ or link.__context__
    for link in reversed(chain):
        if isinstance(link, MemoryError) or any(words in str(link) for words in OUT_OF_MEMORY):
            return "memory", ""
    for link in reversed(chain):
        for line in str(link).splitlines():
            if any(words in line for words in REFUSED):
                return "refused", line.strip()
    name = _class_name(error)
    return (name, str(error)) if name else ("", f"{type(error).__name__}: {error}")


def _class_name(error: BaseException) -> str:
    """Return the name of the class in :mod:`neutone.errors` that an error belongs to, or an empty text if there is
    none."""
    return next((kind.__name__ for kind in type(error).__mro__ if kind.__name__ in errors.__all__), "")


def _send(reply: int, message: bytes) -> None:
    view: Any = memoryview(message)
    while view:
        view = view[os.write(reply, view) :]
    os.close(reply)
    # End without Python's cleanup, so that no code that the file has left in the process runs.
    os._exit(0)


if __name__ == "__main__":
    main()
