"""The plug-in: from a file to a model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, ClassVar

from neutone.errors import ConfigurationError, MetadataError, ModelFileError
from neutone.metadata import ModelMetadata
from neutone.plugins import Backend, Model, integer_option, refuse_unknown_options
from neutone_onnx.layout import read_neutone_layout, read_plain_layout
from neutone_onnx.model import OnnxModel
from neutone_onnx.native_model import NativeFile
from neutone_onnx.runtime import open_session

__all__ = ["OnnxBackend"]

OPTIONS = ("sample_rate", "block_size", "threads", "model_delay", "native")


class OnnxBackend(Backend):
    """Options of :meth:`load`: ``threads`` (of ONNX Runtime, 1 by default), ``model_delay`` (frames at the model's
    rate), ``native`` (False: run through Python, under the GIL; True, the default: through the C API, with a warning
    where that is not to be had), and for files without neutone's metadata ``sample_rate`` (Hz) and ``block_size``
    (frames); left out, the model takes the host's rate, and any block where its shape is symbolic."""

    name: ClassVar[str] = "onnx"
    suffixes: ClassVar[tuple[str, ...]] = (".onnx", ".ort")

    def load(self, path: str | Path, **options: Any) -> Model:
        refuse_unknown_options(self.name, options, OPTIONS)
        threads = integer_option(options, "threads", 1, 1024) or 1
        sample_rate = integer_option(options, "sample_rate", 1000, 384_000)
        block_size = integer_option(options, "block_size", 1, 65_536)
        delay = integer_option(options, "model_delay", 0, 1 << 28)
        native = options.get("native", True)
        if not isinstance(native, bool):
            raise ConfigurationError(f"native is {native!r}, expected True or False")
        path = Path(path)
        if not path.is_file():
            raise FileNotFoundError(f"no model file {path}")
        native_file = NativeFile.of(path, threads) if native else None
        inference = open_session(path, threads)
        text = inference.get_modelmeta().custom_metadata_map.get("neutone")
        if text is None:
            metadata, layout = read_plain_layout(inference, path, sample_rate, block_size)
        else:
            for name in ("sample_rate", "block_size"):
                if options.get(name) is not None:
                    raise ConfigurationError(f"{path.name} states its own {name}: leave the option out")
            metadata = _read_metadata(text, path)
            layout = read_neutone_layout(inference, path, metadata)
        if delay is None:
            delay = metadata.model_delay_samples
        return OnnxModel(inference, metadata, layout, delay, native_file)


def _read_metadata(text: str, path: Path) -> ModelMetadata:
    try:
        fields = json.loads(text)
        if not isinstance(fields, dict):
            raise MetadataError("model metadata is not a JSON object")
        return ModelMetadata(**fields)
    except (ValueError, RecursionError) as error:  # json's and ours
        raise ModelFileError(f"{path}, the JSON under the key neutone: {error}") from error
