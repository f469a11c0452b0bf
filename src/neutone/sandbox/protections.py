"""What keeps a sandboxed process in: what this system has, and how it is switched on."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Protections:
    """What is in force besides limits on time and resources.

    >>> Protections(landlock_abi=0, seccomp=False).describe()
    'limits on time and resources only'
    """

    landlock_abi: int
    """the version of Landlock; 0: none"""
    seccomp: bool
    """whether system calls are filtered"""

    @property
    def is_complete(self) -> bool:
        """Whether neither files outside the temporary folder can be read or written nor the network be reached."""
        return self.seccomp and self.landlock_abi > 0

    def describe(self) -> str:
        """In a few words, for a line of text."""
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
            readable: files and folders to read.
            folder: to read and write.

        Raises:
            OSError: the kernel refuses: the file must not be opened.
        """
        if sys.platform != "linux":
            return
        from neutone.sandbox.landlock import restrict_files
        from neutone.sandbox.linux_calls import forbid_new_rights
        from neutone.sandbox.seccomp import restrict_calls

        forbid_new_rights()
        if self.landlock_abi:
            # Only this thread and those that it starts are restricted.
            if len(os.listdir("/proc/self/task")) != 1:  # noqa: PTH208
                raise OSError("threads are running already")
            restrict_files(self.landlock_abi, readable, [folder, Path(os.devnull)])
        if self.seccomp:
            restrict_calls(landlock_abi=self.landlock_abi)


def available_protections() -> Protections:
    """What this system has. Nothing is switched on."""
    if sys.platform != "linux":
        return Protections(0, False)
    from neutone.sandbox.landlock import landlock_version
    from neutone.sandbox.seccomp import has_seccomp

    return Protections(landlock_version(), has_seccomp())
