"""Which failed checks keep an exporter from writing a file. The rules are the same for all formats."""

import warnings
from collections.abc import Sequence

from neutone.errors import ModelCheckWarning, ModelFileError
from neutone.model.check_result import CheckResult

SAME = "saved equals in-memory"
STATE = "state"
ESSENTIAL = ("metadata", "preserved attributes", "inputs and outputs", SAME)
"""The checks without which a file is useless."""


def judge(name: str, checks: Sequence[CheckResult], *, strict: bool, force: bool = False) -> None:
    """Raise if a model must not be written.

    Args:
        name: The name of the model.
        checks: The results of all checks.
        strict: Treat every check as mandatory.
        force: Permit state that is lost at a reset.

    Raises:
        neutone.errors.ModelFileError: A mandatory check failed.
    """
    mandatory = ESSENTIAL if force else (*ESSENTIAL, STATE)
    fatal = [check for check in checks if check.failed and (strict or check.name in mandatory)]
    if fatal:
        hint = " (--force writes it all the same)" if all(check.name == STATE for check in fatal) else ""
        raise ModelFileError(f"{name} is not saved: {_in_words(fatal)}{hint}")


def warn_of_failures(name: str, checks: Sequence[CheckResult], stacklevel: int) -> None:
    """Warn that a model was written although checks failed."""
    if failures := [check for check in checks if check.failed]:
        warnings.warn(
            f"{name} is saved, but these checks failed: {_in_words(failures)}", ModelCheckWarning, stacklevel + 1
        )


def _in_words(checks: Sequence[CheckResult]) -> str:
    return "; ".join(f"{check.name}: {check.detail}" for check in checks)
