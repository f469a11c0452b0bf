"""Where neutone's C headers are, for those who build a host or a session in C."""

from __future__ import annotations

from pathlib import Path


def get_include() -> str:
    """The folder to give to a C compiler for ``#include "neutone/nt_callback.h"``, ``nt_gate.h`` and ``nt_session.h``.

    >>> from pathlib import Path
    >>> [(Path(get_include()) / "neutone" / f"nt_{name}.h").is_file() for name in ("callback", "gate", "session")]
    [True, True, True]
    """
    package = Path(__file__).parent
    installed = package / "include"
    # In a checkout that is installed for development the headers stay where they are.
    return str(installed if installed.is_dir() else package.parent / "_native" / "include")
