"""Names that neutone_sdk imports. Using one is an error, unless there is nothing to do."""

from torch import Tensor, nn


class Resample(nn.Module):
    """Passes audio on if the two rates (Hz) are the same."""

    def __init__(self, orig_freq: int, new_freq: int, **options: object) -> None:
        super().__init__()
        if orig_freq != new_freq:
            raise NotImplementedError(f"this stand-in for torchaudio does not resample ({orig_freq} to {new_freq} Hz)")

    def forward(self, audio: Tensor) -> Tensor:
        return audio


class MelSpectrogram(nn.Module):
    """Only a name to import."""

    def __init__(self, *arguments: object, **options: object) -> None:
        raise NotImplementedError("this stand-in for torchaudio has no mel spectrogram")
