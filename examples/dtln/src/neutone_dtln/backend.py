"""The plug-in: loads a model from a folder with the two networks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from neutone import ModelMetadata
from neutone.errors import ConfigurationError, MissingExtraError, ModelFileError
from neutone.plugins import Backend, Model
from neutone_dtln.pretrained import MODEL_FILES
from neutone_dtln.session import BINS, DELAY, LOOK_BEHIND, SAMPLE_RATE, SHIFT, WINDOW, DtlnSession
from neutone_dtln.stage import STATE_SHAPE

if TYPE_CHECKING:
    import onnxruntime

__all__ = ["DtlnBackend", "DtlnModel"]


class DtlnModel(Model):
    """The two networks. Sessions share them; each has its own memory and state."""

    model_delay = DELAY

    def __init__(
        self, mask_network: onnxruntime.InferenceSession, waveform_network: onnxruntime.InferenceSession
    ) -> None:
        self._networks = mask_network, waveform_network
        self.metadata = ModelMetadata(
            model_name="DTLN",
            model_authors=["Nils L. Westhausen", "Bernd T. Meyer"],
            model_short_description="Noise suppression for speech",
            technical_links={"Paper": "https://doi.org/10.21437/Interspeech.2020-2631"},
            tags=["speech", "denoising"],
            citation="Westhausen, N. L. and Meyer, B. T. (2020). Dual-Signal Transformation LSTM Network for Real-Time "
            "Noise Suppression. Proc. Interspeech 2020, 2477-2481.",
            native_sample_rates=[SAMPLE_RATE],
            native_buffer_sizes=[SHIFT],
            is_input_mono=True,
            is_output_mono=True,
            look_behind_samples=LOOK_BEHIND,
        )

    def prepare(self, sample_rate: int, block_size: int) -> DtlnSession:
        return DtlnSession(*self._networks)


class DtlnBackend(Backend):
    """Loads the folder that :func:`neutone_dtln.model_path` returns, or another one with a ``model_1.onnx`` and a
    ``model_2.onnx`` of the same shapes, such as newly trained networks. It has no options, and claims no suffix."""

    name: ClassVar[str] = "dtln"
    suffixes: ClassVar[tuple[str, ...]] = ()

    def load(self, path: str | Path, **options: Any) -> DtlnModel:
        if options:
            raise ConfigurationError(f"the dtln backend has no option {next(iter(options))!r}; it takes none")
        folder = Path(path)
        if not folder.exists():
            raise FileNotFoundError(f"no model folder {folder}")
        missing = [name for name in MODEL_FILES if not (folder / name).is_file()]
        if missing:
            raise ModelFileError(f"{folder} is not a folder with {' and '.join(MODEL_FILES)}: no {missing[0]}")
        mask, waveform = (
            _open_network(folder / name, size) for name, size in zip(MODEL_FILES, (BINS, WINDOW), strict=True)
        )
        return DtlnModel(mask, waveform)


def _open_network(path: Path, frame_size: int) -> onnxruntime.InferenceSession:
    try:
        import onnxruntime
    except ImportError as error:
        raise MissingExtraError("DTLN needs ONNX Runtime, which is missing: pip install onnxruntime") from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # blocks of 8 ms are too small to share
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        network = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the runtime's exception classes have no other base class in common
        raise ModelFileError(f"{path} is not a model that ONNX Runtime can run: {error}") from error
    expected = [(1, 1, frame_size), STATE_SHAPE]
    for arguments, kind in ((network.get_inputs(), "inputs"), (network.get_outputs(), "outputs")):
        shapes = [tuple(argument.shape) for argument in arguments]
        if shapes != expected:
            raise ModelFileError(f"{path}: {kind} have shapes {shapes}, expected {expected}")
    return network
