"""The child process of the engine fuzzer: it runs one :class:`EngineLife` for each number that it gets."""

from __future__ import annotations

import warnings
from typing import Any

from fuzz.children import serve
from fuzz.findings import describe_error

__all__: list[str] = []

RESAMPLED_SHARE = 4
"""One life in this many tests only resampling."""


def _prepare() -> None:
    """Import whatever takes memory, before memory is limited."""
    import fuzz.engine_life
    import fuzz.engine_resampled  # noqa: F401


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    from fuzz.engine_life import EngineLife
    from fuzz.engine_resampled import check_resampled

    number = request["case"]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            if number % RESAMPLED_SHARE == 0:
                check_resampled(number)
            else:
                EngineLife(number).live()
    except Exception as error:
        finding = describe_error(error, getattr(error, "promise", "an error that nobody expects"))
        return {"signature": finding.signature, "text": finding.text}
    return {}


if __name__ == "__main__":
    serve(_prepare, _answer)
