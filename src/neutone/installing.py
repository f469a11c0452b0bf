"""How to install what is missing. All hints come from here, so that a release changes one line."""

from __future__ import annotations

import re
from importlib import metadata

__all__ = ["install_command", "packages_of"]

RELEASED = False
"""Whether the package index has neutone. If not, hints name the packages of an extra instead of the extra."""


def install_command(requirement: str) -> str:
    """Return the command that installs a requirement, such as an extra of neutone, in any environment.

    >>> install_command("neutone[plot]")
    'pip install "matplotlib>=3.8"'
    >>> install_command("my-plugin[fast]")
    'pip install "my-plugin[fast]"'
    """
    packages = [requirement] if RELEASED else packages_of(requirement)
    return " ".join(["pip install", *(f'"{package}"' for package in packages)])


def packages_of(requirement: str) -> list[str]:
    """Return the packages of an extra of neutone, and any other requirement as it is.

    >>> packages_of("neutone[plot]")
    ['matplotlib>=3.8']
    """
    found = re.fullmatch(r"neutone\[([\w,-]+)\]", requirement)
    if found is None:
        return [requirement]
    try:
        declared = metadata.requires("neutone") or []
    except metadata.PackageNotFoundError:  # the source without an installation
        return [requirement]
    packages: list[str] = []
    for extra in found[1].split(","):
        for line in declared:
            package, _, marker = line.partition(";")
            if re.search(rf"extra == ['\"]{extra}['\"]", marker):
                packages += packages_of(package.strip())
    return list(dict.fromkeys(packages)) or [requirement]
