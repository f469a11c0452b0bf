"""Functions in a process without rights, for files whose code runs when they are opened.

TorchScript files are programs. :func:`run_sandboxed` runs a function that opens one in a new Python process, which
gives up its rights first:

- Linux, Landlock: it reads Python, its libraries and the files that it is given, and writes in its own temporary
  folder only.
- Linux, seccomp: no network, no new processes, no signals to others, no changes of owners or modes of files.
- POSIX: limits on memory, processor time and the size of files.
- everywhere: a time limit, an environment without secrets, and a result that is plain data.

:func:`available_protections` says what this system has. docs/security.md says what remains.

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
