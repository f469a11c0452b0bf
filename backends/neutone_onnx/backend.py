"""The plug-in: from a file to a model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, ClassVar

from neutone.errors import ConfigurationError, MetadataError, ModelFileError
from neutone.metadata import ModelMetadata
from neutone.plugins import Backend, Model
from neutone_onnx.layout import read_neutone_layout, read_plain_layout
from neutone_onnx.model import OnnxModel
from neutone_onnx.runtime import open_session

__all__ = ["OnnxBackend"]

OPTIONS = ("sample_rate", "block_size", "threads", "model_delay")


class OnnxBackend(Backend):
    """Options of :meth:`load`: ``threads`` (of ONNX Runtime, 1 by default), ``model_delay`` (frames at the model's
    rate), and for files without neutone's metadata ``sample_rate`` (Hz) and ``block_size`` (frames); left out, the
    model takes the host's rate, and any block where its shape is symbolic."""

    name: ClassVar[str] = "onnx"
    suffixes: ClassVar[tuple[str, ...]] = (".onnx", ".ort")

    def load(self, path: str | Path, **options: Any) -> Model:
        unknown = sorted(set(options) - set(OPTIONS))
        if unknown:
            raise ConfigurationError(f"the onnx backend has no option {unknown[0]!r}; it takes {', '.join(OPTIONS)}")
        path = Path(path)
        if not path.is_file():
            raise FileNotFoundError(f"no model file {path}")
        inference = open_session(path, options.get("threads", 1))
        text = inference.get_modelmeta().custom_metadata_map.get("neutone")
        if text is None:
            metadata, layout = read_plain_layout(inference, path, options.get("sample_rate"), options.get("block_size"))
        else:
            for name in ("sample_rate", "block_size"):
                if options.get(name) is not None:
                    raise ConfigurationError(f"{path.name} states its own {name}: leave the option out")
            metadata = _read_metadata(text, path)
            layout = read_neutone_layout(inference, path, metadata)
        return OnnxModel(inference, metadata, layout, options.get("model_delay", 0))


def _read_metadata(text: str, path: Path) -> ModelMetadata:
    try:
        fields = json.loads(text)
        if not isinstance(fields, dict):
            raise MetadataError("model metadata is not a JSON object")
        return ModelMetadata(**fields)
    except ValueError as error:  # json's and ours
        raise ModelFileError(f"{path}, the JSON under the key neutone: {error}") from error
