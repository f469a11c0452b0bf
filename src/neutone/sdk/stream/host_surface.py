"""The methods of a ``.nm`` file's module that describe it to hosts; those that process audio are not here."""

from typing import Any

import torch
from torch import Tensor, nn

from neutone.sdk.stream.schedule import to_host_frames
from neutone.sdk.wrap.waveform import WaveformToWaveformBase

PRESERVED = (
    "w2w_base",
    "realtime",
    "forward_bt",
    "forward_offline",
    "set_daw_sample_rate_and_buffer_size",
    "reset",
    "is_input_mono",
    "is_output_mono",
    "is_resampling",
    "get_native_sample_rates",
    "get_native_buffer_sizes",
    "calc_buffering_delay_samples",
    "calc_model_delay_samples",
    "get_default_param_values",
    "get_wet_default_value",
    "get_dry_default_value",
    "get_input_gain_default_value",
    "get_output_gain_default_value",
    "to_metadata",
    "get_metadata_json",
    "get_preserved_attributes",
)
"""The attributes besides ``forward`` that hosts use on the module in a ``.nm`` file. They must survive freezing."""


class HostSurface(nn.Module):
    """The descriptive methods that hosts call on the module in a ``.nm`` file. They describe the wrapped model.

    Args:
        w2w_base: The model, a ``WaveformToWaveformBase``.
        daw_sr: The host's sample rate in Hz. It is also the model's until a subclass changes that.

    >>> from neutone import ModelMetadata
    >>> from neutone.sdk import WaveformToWaveformBase
    >>> class Silence(WaveformToWaveformBase):
    ...     metadata = ModelMetadata(model_name="Silence", is_input_mono=True)
    ...     def do_forward_pass(self, x, params):
    ...         return x.repeat(2, 1) * 0.0
    >>> HostSurface(Silence(), 48_000).is_output_mono()
    False
    """

    default_param_values: Tensor

    def __init__(self, w2w_base: WaveformToWaveformBase, daw_sr: int) -> None:
        super().__init__()
        self.realtime = True
        self.w2w_base = w2w_base
        self.in_n_ch = 1 if self.w2w_base.is_input_mono() else 2
        self.out_n_ch = 1 if self.w2w_base.is_output_mono() else 2
        defaults = self.w2w_base.get_default_param_values().detach().reshape(-1, 1).to(torch.float32)
        self.register_buffer("default_param_values", defaults.clone())
        self.n_params: int = defaults.size(0)
        self.daw_sr = daw_sr
        self.model_sr = daw_sr
        self.delay = 0
        self._preserved = list(PRESERVED)

    @torch.jit.export
    def is_input_mono(self) -> bool:
        """Return True if the model has one input channel, False if it has two."""
        return self.in_n_ch == 1

    @torch.jit.export
    def is_output_mono(self) -> bool:
        """Return True if the model has one output channel, False if it has two."""
        return self.out_n_ch == 1

    @torch.jit.export
    def is_resampling(self) -> bool:
        """Return whether the model runs at a different rate than the host."""
        return self.daw_sr != self.model_sr

    @torch.jit.export
    def get_native_sample_rates(self) -> list[int]:
        """Return the sample rates (Hz) that the model supports. An empty list means any rate."""
        return self.w2w_base.get_native_sample_rates()

    @torch.jit.export
    def get_native_buffer_sizes(self) -> list[int]:
        """Return the block sizes (frames) that the model supports. An empty list means any size."""
        return self.w2w_base.get_native_buffer_sizes()

    @torch.jit.export
    def calc_buffering_delay_samples(self) -> int:
        """Return the delay of the queues and resamplers in host frames."""
        return self.delay

    @torch.jit.export
    def calc_model_delay_samples(self) -> int:
        """Return the model's own delay in host frames."""
        return to_host_frames(self.w2w_base.calc_model_delay_samples(), self.daw_sr, self.model_sr)

    @torch.jit.export
    def get_default_param_values(self) -> Tensor:
        """Return the defaults of the parameters, of shape (4, 1) in 0..1."""
        return self.default_param_values

    @torch.jit.export
    def get_wet_default_value(self) -> float:
        """Return the default level of the model's output in the mix, 0..1."""
        return self.w2w_base.get_wet_default_value()

    @torch.jit.export
    def get_dry_default_value(self) -> float:
        """Return the default level of the input in the mix, 0..1."""
        return self.w2w_base.get_dry_default_value()

    @torch.jit.export
    def get_input_gain_default_value(self) -> float:
        """Return the default gain before the model, as 0..1 for -30..+30 dB."""
        return self.w2w_base.get_input_gain_default_value()

    @torch.jit.export
    def get_output_gain_default_value(self) -> float:
        """Return the default gain after the mix, as 0..1 for -30..+30 dB."""
        return self.w2w_base.get_output_gain_default_value()

    @torch.jit.export
    def to_metadata(self) -> dict[str, Any]:
        """Return the contents of ``metadata.json``."""
        return self.w2w_base.to_metadata()

    @torch.jit.export
    def get_metadata_json(self) -> str:
        """Return the contents of ``metadata.json`` as text."""
        return self.w2w_base.get_metadata_json()

    @torch.jit.export
    def get_preserved_attributes(self) -> list[str]:
        """Return the names of the attributes that must survive freezing."""
        return list(self._preserved)
