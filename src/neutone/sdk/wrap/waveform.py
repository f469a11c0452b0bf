"""Models that answer audio with audio, block by block."""

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor, nn
from torch.jit import is_scripting  # type: ignore[attr-defined]

from neutone.model.parameters import CategoricalNeutoneParameter, ContinuousNeutoneParameter, NeutoneParameter
from neutone.sdk.wrap.checks import (
    InputGuard,
    check_aggregated,
    check_answer,
    check_block,
    check_params,
    check_settings,
)
from neutone.sdk.wrap.look_behind import LookBehind, NoLookBehind, make_look_behind
from neutone.sdk.wrap.model import NeutoneModel


class WaveformToWaveformBase(NeutoneModel):
    """Wraps a PyTorch model for real time: subclass it, say what it is, and answer :meth:`do_forward_pass`.

    Stereo, any sample rate, any block size and no look-behind unless a method or :attr:`metadata` says otherwise.

    >>> import torch
    >>> from neutone import ModelMetadata
    >>> from neutone.sdk import ContinuousNeutoneParameter, WaveformToWaveformBase, script
    >>> class Clipper(WaveformToWaveformBase):
    ...     metadata = ModelMetadata(model_name="Clipper", is_input_mono=True, is_output_mono=True)
    ...     neutone_parameters = [ContinuousNeutoneParameter("drive", "gain", 4.0, 1.0, 10.0)]
    ...
    ...     def do_forward_pass(self, x, params):
    ...         return torch.clip(x * params["drive"], -1.0, 1.0)
    >>> Clipper()(torch.tensor([[0.125, 0.5]]))
    tensor([[0.5000, 1.0000]])

    A class in a file can be compiled: ``script(Clipper())``. Types are then needed where TorchScript cannot guess them:
    ``def do_forward_pass(self, x: Tensor, params: dict[str, Tensor]) -> Tensor``.
    """

    host_methods: ClassVar[tuple[str, ...]] = (
        *NeutoneModel.host_methods,
        "is_input_mono",
        "is_output_mono",
        "get_native_sample_rates",
        "get_native_buffer_sizes",
        "get_look_behind_samples",
        "is_resampling",
        "calc_model_delay_samples",
        "set_sample_rate_and_buffer_size",
        "set_daw_sample_rate_and_buffer_size",
        "reset",
    )
    metadata_methods: ClassVar[dict[str, str]] = {
        **NeutoneModel.metadata_methods,
        "is_input_mono": "is_input_mono",
        "is_output_mono": "is_output_mono",
        "native_sample_rates": "get_native_sample_rates",
        "native_buffer_sizes": "get_native_buffer_sizes",
        "look_behind_samples": "get_look_behind_samples",
    }
    parameter_kinds: ClassVar[tuple[type[NeutoneParameter], ...]] = (
        ContinuousNeutoneParameter,
        CategoricalNeutoneParameter,
    )

    if TYPE_CHECKING:  # TorchScript must not see it
        _past_audio: LookBehind | NoLookBehind
        _past_params: LookBehind | NoLookBehind

    def __init__(self, model: nn.Module | None = None, use_debug_mode: bool = True) -> None:
        super().__init__(model, use_debug_mode)
        self.realtime = True
        self.in_n_ch = 1 if self._card.is_input_mono else 2
        self.out_n_ch = 1 if self._card.is_output_mono else 2
        self.curr_bs = -1
        """frames that were announced as the block size; -1: none were"""
        look_behind = self._card.look_behind_samples
        self._past_audio = make_look_behind(torch.zeros(self.in_n_ch, 1), look_behind)
        self._past_params = make_look_behind(self._parameter_map.default_units(), look_behind)

    def _parameter_rows(self, numerical: int) -> int:
        return self.max_parameters

    # -- what a subclass may define ------------------------------------------------------------------------------------

    @abstractmethod
    def do_forward_pass(self, x: Tensor, params: dict[str, Tensor]) -> Tensor:
        """One block. Both arguments are only to be read.

        Args:
            x: (C_in, N_LB + N) float32 at the model's own rate: the look-behind, then the N frames of the block.
            params: by name, in natural units: categorical ones are the number of the choice. Shape (1,), or as long as
                :meth:`aggregate_params` left them.

        Returns:
            (C_out, N) float32.
        """

    @torch.jit.export
    def is_input_mono(self) -> bool:
        """One channel in, else two."""
        return self._card.is_input_mono

    @torch.jit.export
    def is_output_mono(self) -> bool:
        """One channel out, else two."""
        return self._card.is_output_mono

    @torch.jit.export
    def get_native_sample_rates(self) -> list[int]:
        """The rates (Hz) at which the model may be run; empty: any."""
        return self._card.native_sample_rates

    @torch.jit.export
    def get_native_buffer_sizes(self) -> list[int]:
        """The block sizes (frames) at which the model may be run; empty: any, and blocks may vary."""
        return self._card.native_buffer_sizes

    @torch.jit.export
    def get_look_behind_samples(self) -> int:
        """N_LB: how many frames before the block the model wants to see. Asked once, by the constructor."""
        return self._card.look_behind_samples

    @torch.jit.export
    def calc_model_delay_samples(self) -> int:
        """By how many frames, at the model's rate, its output is late. May change with the block size."""
        return 0

    def aggregate_params(self, params: Tensor) -> Tensor:
        """Reduces the 0..1 values (4, N_LB + N) of a block to (4, 1), their means; return them as they are for values
        at sample granularity."""
        return torch.mean(params, dim=1, keepdim=True)

    def set_model_sample_rate_and_buffer_size(self, sample_rate: int, n_samples: int) -> bool:
        """Adapt to a rate (Hz) and a block size (frames), before the first block and on every change. Answer whether
        anything was done."""
        return False

    def reset_model(self) -> bool:
        """Forget all audio so far. Answer whether that was done; a model without state may say True."""
        return False

    # -- what hosts and wrappers call ----------------------------------------------------------------------------------

    def forward(self, x: Tensor, params: Tensor | None = None) -> Tensor:
        """One block at the model's own rate.

        Args:
            x: (C_in, N) float32; the look-behind is kept here.
            params: (4, N) float32 in 0..1; None: the defaults.

        Returns:
            (C_out, N) float32; may share memory with `x`, where the model passes it through.
        """
        if not is_scripting():
            self._check_block(x, params)
        if params is None:
            params = self._parameter_map.default_units().to(x.device).repeat(1, x.size(1))
        window: Tensor = self._past_audio(x)
        return self.process_window(window, params)

    def process_window(self, window: Tensor, params: Tensor) -> Tensor:
        """As :meth:`forward`, for callers that keep the look-behind of the audio themselves.

        Args:
            window: (C_in, N_LB + N) float32.
            params: (4, N) float32 in 0..1; their look-behind is kept here.

        Returns:
            (C_out, N) float32.
        """
        units = self.aggregate_params(self._past_params(params))
        if not is_scripting():
            self._check_units(units)
        values: dict[str, Tensor] = self._parameter_map(units)
        if not is_scripting():
            guard = self._guard(window, values)
        y = self.do_forward_pass(window, values)
        if not is_scripting():
            self._check_answer(y, window, params.size(1), guard)
        return y

    @torch.jit.export
    def is_resampling(self) -> bool:
        """Never: that is for whoever runs the model."""
        return False

    @torch.jit.export
    def set_sample_rate_and_buffer_size(self, sample_rate: int, n_samples: int) -> bool:
        """Announce the rate (Hz) and the block size (frames; the largest, where the model takes any), and forget the
        look-behind. Answers whether the model did anything of its own about it."""
        if not is_scripting():
            self._check_settings(sample_rate, n_samples)
            # Only checked in eager mode; an attribute that changes could not be frozen.
            self.curr_bs = n_samples
        self._past_audio.reset()
        self._past_params.reset()
        return self.set_model_sample_rate_and_buffer_size(sample_rate, n_samples)

    @torch.jit.export
    def set_daw_sample_rate_and_buffer_size(
        self,
        daw_sr: int,
        daw_buffer_size: int,
        model_sr: int | None = None,
        model_buffer_size: int | None = None,
    ) -> None:
        """For hosts that run a model without a wrapper around it."""
        self.set_sample_rate_and_buffer_size(daw_sr, daw_buffer_size)

    @torch.jit.export
    def reset(self) -> bool:
        """Forget all audio so far. Answers whether the model did so itself, by :meth:`reset_model`."""
        self._past_audio.reset()
        self._past_params.reset()
        return self.reset_model()

    @torch.jit.export
    def to_metadata(self) -> dict[str, Any]:
        """All keys of ``metadata.json`` but the sample sounds."""
        metadata = self._card.core_metadata()
        metadata["is_input_mono"] = self._card.is_input_mono
        metadata["is_output_mono"] = self._card.is_output_mono
        metadata["model_type"] = self._card.model_type
        metadata["native_sample_rates"] = self._card.native_sample_rates
        metadata["native_buffer_sizes"] = self._card.native_buffer_sizes
        metadata["look_behind_samples"] = self._card.look_behind_samples
        return metadata

    # -- debug mode, in eager mode only --------------------------------------------------------------------------------

    def _check_settings(self, sample_rate: int, frames: int) -> None:
        if self.use_debug_mode:
            card = self._card
            check_settings(type(self).__name__, sample_rate, frames, card.native_sample_rates, card.native_buffer_sizes)

    def _check_block(self, x: Tensor, params: Tensor | None) -> None:
        if self.use_debug_mode:
            name = type(self).__name__
            check_block(name, x, self.in_n_ch, self._card.native_buffer_sizes, self.curr_bs)
            if params is not None:
                check_params(name, params, self.max_parameters, x.size(1))

    def _check_units(self, units: Tensor) -> None:
        if self.use_debug_mode:
            check_aggregated(type(self).__name__, units, self.max_parameters)

    def _guard(self, x: Tensor, params: dict[str, Tensor]) -> InputGuard | None:
        return InputGuard(x, params) if self.use_debug_mode else None

    def _check_answer(self, y: Tensor, x: Tensor, frames: int, guard: InputGuard | None) -> None:
        if guard is not None:
            name = type(self).__name__
            guard.check(name)
            check_answer(name, y, self.out_n_ch, frames, self._card.look_behind_samples, x.device)
