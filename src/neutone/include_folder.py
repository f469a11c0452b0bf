"""Where neutone's C header is, for those who build a host in C."""

from __future__ import annotations

from pathlib import Path


def get_include() -> str:
    """The folder to give to a C compiler for ``#include "neutone/nt_callback.h"``.

    >>> from pathlib import Path
    >>> (Path(get_include()) / "neutone" / "nt_callback.h").is_file()
    True
    """
    package = Path(__file__).parent
    installed = package / "include"
    # In a checkout that is installed for development the header stays where it is.
    return str(installed if installed.is_dir() else package.parent / "_native" / "include")
