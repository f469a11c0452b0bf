"""What confines a sandboxed process: which protections this system has, and how they are switched on."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Protections:
    """The protections in force besides limits on time and resources.

    Attributes:
        landlock_abi: The version of Landlock, or 0 for none.
        seccomp: Whether system calls are filtered.

    >>> Protections(landlock_abi=0, seccomp=False).describe()
    'limits on time and resources only'
    """

    landlock_abi: int
    seccomp: bool

    @property
    def is_complete(self) -> bool:
        """Whether files outside the temporary folder can be neither read nor written, and the network cannot be
        reached."""
        return self.seccomp and self.landlock_abi > 0

    def describe(self) -> str:
        """Return a few words that describe the protections."""
        words = [f"Landlock (ABI {self.landlock_abi})"] if self.landlock_abi else []
        words += ["seccomp"] if self.seccomp else []
        if not words:
            return "limits on time and resources only"
        if not self.landlock_abi:
            return "seccomp: no network, no writing; files can be read"
        if not self.seccomp:
            refused = "no TCP" if self.landlock_abi >= 4 else "network open"
            return f"{words[0]}: no files but its own, {refused}"
        return f"{' and '.join(words)}: no network, no files but its own"

    def apply(self, readable: Sequence[Path], folder: Path) -> None:
        """Give up all rights that are not needed, in this process, for good.

        Args:
            readable: The files and folders that may be read.
            folder: The folder that may be read and written.

        Raises:
            OSError: The kernel refuses. Then the file must not be opened.
        """
        if sys.platform != "linux":
            return
        from neutone.sandbox.landlock import restrict_files
        from neutone.sandbox.linux_calls import forbid_new_rights
        from neutone.sandbox.seccomp import restrict_calls

        forbid_new_rights()
        if self.landlock_abi:
            # Only this thread, and threads that it starts, are restricted.
            if len(os.listdir("/proc/self/task")) != 1:  # noqa: PTH208
                raise OSError("threads are running already")
            restrict_files(self.landlock_abi, readable, [folder, Path(os.devnull)])
        if self.seccomp:
            restrict_calls(landlock_abi=self.landlock_abi)


def available_protections() -> Protections:
    """Return the protections that this system has. Nothing is switched on."""
    if sys.platform != "linux":
        return Protections(0, False)
    from neutone.sandbox.landlock import landlock_version
    from neutone.sandbox.seccomp import has_seccomp

    return Protections(landlock_version(), has_seccomp())
