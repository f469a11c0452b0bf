"""Run functions in a process without rights, for files whose code runs when they are opened.

TorchScript files are programs. :func:`run_sandboxed` opens them in a new Python process that first gives up its rights:

- With Landlock (Linux), it can only read Python, its libraries and the files that it is given, and only write in its
  own temporary folder.
- With seccomp (Linux), it cannot use the network, start processes, signal other processes, or change owners or modes of
  files.
- On POSIX systems, its memory, its processor time and the size of its files are limited.
- Everywhere, it has a time limit and an environment without secrets, and can only return plain data.

:func:`available_protections` says which of these this system has. docs/security.md says what remains possible.

>>> run_sandboxed("json:dumps", {"obj": [1, 2]}).value
'[1, 2]'
"""

from neutone.sandbox.limits import Limits
from neutone.sandbox.process import SandboxAnswer, run_sandboxed
from neutone.sandbox.protections import Protections, available_protections
from neutone.sandbox.results import Results
from neutone.sandbox.scratch import scratch_file

__all__ = [
    "Limits",
    "Protections",
    "Results",
    "SandboxAnswer",
    "available_protections",
    "run_sandboxed",
    "scratch_file",
]
