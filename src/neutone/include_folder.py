"""The location of neutone's C header, for hosts written in C."""

from __future__ import annotations

from pathlib import Path


def get_include() -> str:
    """Return the folder to pass to a C compiler for ``#include "neutone/nt_callback.h"``.

    >>> from pathlib import Path
    >>> (Path(get_include()) / "neutone" / "nt_callback.h").is_file()
    True
    """
    package = Path(__file__).parent
    installed = package / "include"
    # In a development install the header stays in the checkout.
    return str(installed if installed.is_dir() else package.parent / "_native" / "include")
