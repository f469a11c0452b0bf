"""The location of neutone's C headers, for hosts and sessions written in C."""

from __future__ import annotations

from pathlib import Path


def get_include() -> str:
    """Return the folder to pass to a C compiler for ``#include "neutone/nt_callback.h"``, ``nt_gate.h`` and
    ``nt_session.h``.

    >>> from pathlib import Path
    >>> [(Path(get_include()) / "neutone" / f"nt_{name}.h").is_file() for name in ("callback", "gate", "session")]
    [True, True, True]
    """
    package = Path(__file__).parent
    installed = package / "include"
    # In a development install the headers stay in the checkout.
    return str(installed if installed.is_dir() else package.parent / "_native" / "include")
