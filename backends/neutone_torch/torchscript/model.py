"""A loaded TorchScript model. Its sessions share the code; each has its own weights, state and memory."""

from __future__ import annotations

from neutone.errors import ModelFileError, first_line
from neutone.plugins import Model
from neutone_torch.torchscript.program import Program
from neutone_torch.torchscript.session import TorchScriptSession


class TorchScriptModel(Model):
    """A model that :class:`neutone_torch.TorchScriptBackend` has loaded."""

    def __init__(self, program: Program, model_delay: int, delay_is_given: bool, threads: int, source: str) -> None:
        self.metadata = program.metadata
        self.model_delay = model_delay
        self._given_delay = model_delay if delay_is_given else None
        self._program = program
        self._threads = threads
        self._source = source

    @property
    def input_channels(self) -> int:
        return self._program.input_leading[-1]

    @property
    def output_channels(self) -> int:
        return self._program.output_leading[-1]

    def prepare(self, sample_rate: int, block_size: int) -> TorchScriptSession:
        """Make a session on a copy of the module, and run it a few times on silence, because the executor compiles by
        running.

        Raises :class:`~neutone.errors.ModelFileError` if it does not run at this sample rate (Hz) and block size
        (frames).
        """
        try:
            return TorchScriptSession(self._program, sample_rate, block_size, self._threads, self._given_delay)
        except Exception as error:  # torch.jit.Error, RuntimeError, or anything that the module raises
            raise ModelFileError(
                f"{self._source} does not run at {sample_rate} Hz in blocks of {block_size} frames: {first_line(error)}"
            ) from error
