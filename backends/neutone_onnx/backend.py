"""The plug-in: loads a model from an ONNX file."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

from neutone.errors import ConfigurationError, MetadataError, ModelFileError
from neutone.limits import MAX_BUFFER_SIZE, MAX_DELAY, MAX_SAMPLE_RATE, MIN_SAMPLE_RATE
from neutone.model.metadata import ModelMetadata
from neutone.plugins import Backend, CheckResult, Model, ModelSummary, integer_option, refuse_unknown_options
from neutone_onnx.interface import GraphInterface, interface_of_file, interface_of_session
from neutone_onnx.layout import read_neutone_layout, read_plain_shapes, refuse_large_tensors
from neutone_onnx.model import OnnxModel
from neutone_onnx.native_model import NativeFile
from neutone_onnx.probe import plain_metadata, probe_layout
from neutone_onnx.runtime import open_session

OPTIONS = ("sample_rate", "block_size", "threads", "model_delay", "native")


@dataclass(frozen=True)
class Options:
    """The checked options of :meth:`OnnxBackend.load`."""

    threads: int
    sample_rate: int | None
    block_size: int | None
    model_delay: int | None
    native: bool

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Self:
        refuse_unknown_options(OnnxBackend.name, given, OPTIONS)
        native = given.get("native", True)
        if not isinstance(native, bool):
            raise ConfigurationError(f"native is {native!r}, expected True or False")
        return cls(
            integer_option(given, "threads", 1, 1024) or 1,
            integer_option(given, "sample_rate", MIN_SAMPLE_RATE, MAX_SAMPLE_RATE),
            integer_option(given, "block_size", 1, MAX_BUFFER_SIZE),
            integer_option(given, "model_delay", 0, MAX_DELAY),
            native,
        )


class OnnxBackend(Backend):
    """The backend ``onnx``. Options of :meth:`load`:

    - ``threads``: how many threads ONNX Runtime uses, 1 by default.
    - ``model_delay``: the model's delay in frames at its rate.
    - ``native``: True, the default, to run through the C API, with a warning if that is not possible; False to run
      through
      Python, under the GIL.
    - ``sample_rate`` (Hz) and ``block_size`` (frames): for files without neutone's metadata. Without them, the model
      takes
      the host's rate, and any block size if its shape is symbolic.
    """

    name: ClassVar[str] = "onnx"
    requires: ClassVar[tuple[str, ...]] = ("onnxruntime",)
    extra: ClassVar[str] = "neutone[onnx]"
    suffixes: ClassVar[tuple[str, ...]] = (".onnx", ".ort")

    def load(self, path: str | Path, **options: Any) -> Model:
        given = Options.of(options)
        path = Path(path)
        claimed = _claimed_interface(path)
        if claimed is not None:  # check before the runtime allocates anything
            refuse_large_tensors(claimed, path)
        native_file = NativeFile.of(path, given.threads) if given.native else None
        inference = open_session(path, given.threads)
        interface = interface_of_session(inference, path, claimed)
        if interface.metadata is None:
            shapes = read_plain_shapes(interface, path, given.block_size)
            layout = probe_layout(inference, shapes, path)
            metadata = plain_metadata(
                path, given.sample_rate, shapes.block_size, layout.input_channels, layout.output_channels
            )
        else:
            metadata = _read_metadata(interface.metadata, path, given)
            layout = read_neutone_layout(interface, path, metadata)
        return OnnxModel(inference, metadata, layout, _delay(metadata, given), native_file)

    def inspect(self, path: str | Path, **options: Any) -> ModelSummary:
        """Return what the file says about its model. Its graph is not run.
        ONNX Runtime need not be installed, because it does not even open an ``.onnx`` file here."""
        given = Options.of(options)
        path = Path(path)
        interface = _claimed_interface(path)
        if interface is None:
            interface = interface_of_session(open_session(path, 1, optimize=False), path)
        return _summary(interface, path, given)

    def check(self, path: Path) -> Iterator[CheckResult]:
        """Check the metadata, the inputs and the outputs. Whether they fit each other shows when the file is loaded."""
        if path.suffix.lower() == ".ort":
            return
        interface = interface_of_file(path)
        if interface.metadata is None:
            yield CheckResult(
                "metadata", False, "none under the key 'neutone': rates, blocks and parameters are unknown"
            )
        else:
            yield CheckResult("metadata", True, "within its limits")
        inputs = ", ".join(entry.name for entry in interface.inputs)
        outputs = ", ".join(entry.name for entry in interface.outputs)
        yield CheckResult("inputs and outputs", True, f"{inputs} -> {outputs}")


def _claimed_interface(path: Path) -> GraphInterface | None:
    """Read the interface from the file itself. Returns None for an ``.ort`` file, which only ONNX Runtime can read."""
    if not path.is_file():
        raise FileNotFoundError(f"no model file {path}")
    return None if path.suffix.lower() == ".ort" else interface_of_file(path)


def _summary(interface: GraphInterface, path: Path, given: Options) -> ModelSummary:
    """Summarise what the file says. Raises if it claims more than a model may have."""
    if interface.metadata is None:
        shapes = read_plain_shapes(interface, path, given.block_size)
        channels = math.prod(shapes.leading), shapes.output_channels
        metadata = plain_metadata(path, given.sample_rate, shapes.block_size, *channels)
        return ModelSummary(metadata, *channels, _delay(metadata, given))
    metadata = _read_metadata(interface.metadata, path, given)
    layout = read_neutone_layout(interface, path, metadata)
    return ModelSummary(metadata, layout.input_channels, layout.output_channels, _delay(metadata, given))


def _delay(metadata: ModelMetadata, given: Options) -> int:
    return metadata.model_delay_samples if given.model_delay is None else given.model_delay


def _read_metadata(text: str | bytes, path: Path, given: Options) -> ModelMetadata:
    for name in ("sample_rate", "block_size"):
        if getattr(given, name) is not None:
            raise ConfigurationError(f"{path.name} declares its own {name}: leave the option out")
    try:
        return ModelMetadata.from_json(text)
    except MetadataError as error:
        raise ModelFileError(f"{path}, the JSON under the key neutone: {error}") from error
