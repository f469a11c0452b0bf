"""A loaded TorchScript model. Its sessions share the code; each has weights, state and memory of its own."""

from __future__ import annotations

from neutone.errors import ModelFileError, first_line
from neutone.plugins import Model
from neutone_torch.torchscript.program import Program
from neutone_torch.torchscript.session import TorchScriptSession


class TorchScriptModel(Model):
    """What :class:`neutone_torch.TorchScriptBackend` loads."""

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
        """A session on a copy of the module, run a few times on silence first, for the executor compiles by running.

        Raises :class:`~neutone.errors.ModelFileError` where it does not run at this rate (Hz) and size (frames).
        """
        try:
            return TorchScriptSession(self._program, sample_rate, block_size, self._threads, self._given_delay)
        except Exception as error:  # torch.jit.Error, RuntimeError and whatever the module raises
            raise ModelFileError(
                f"{self._source} does not run at {sample_rate} Hz in blocks of {block_size} frames: {first_line(error)}"
            ) from error
