"""The base class of models that turn audio into audio, block by block."""

import warnings
from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor, nn
from torch.jit import is_scripting  # type: ignore[attr-defined]

from neutone.errors import WrapperWarning
from neutone.model.parameters import CategoricalNeutoneParameter, ContinuousNeutoneParameter, NeutoneParameter
from neutone.sdk.wrap.checks import (
    InputGuard,
    check_aggregated,
    check_answer,
    check_block,
    check_params,
    check_settings,
    conversions,
)
from neutone.sdk.wrap.initial_state import InitialState
from neutone.sdk.wrap.look_behind import LookBehind, NoLookBehind, make_look_behind
from neutone.sdk.wrap.model import NeutoneModel
from neutone.sdk.wrap.older_names import adopt_older_names


class WaveformToWaveformBase(NeutoneModel):
    """The base class of real-time models. Subclass it, describe the model, and define :meth:`do_forward_pass`.

    A model is stereo, takes any sample rate and any block size, and has no look-behind, unless a method or
    :attr:`metadata` says otherwise.

    Attributes:
        in_n_ch: The number of input channels, 1 or 2.
        out_n_ch: The number of output channels, 1 or 2.
        curr_bs: The block size in frames that was announced, or -1 if none was.

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

    If the class is in a file, the model can be compiled: ``script(Clipper())``. The types of the methods of this class
    are known; TorchScript takes an argument of the author's own methods for a tensor, unless they say otherwise.
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
    described: ClassVar[tuple[str, ...]] = (
        *NeutoneModel.described,
        "in_n_ch",
        "out_n_ch",
        "_past_audio",
        "_past_params",
    )
    parameter_kinds: ClassVar[tuple[type[NeutoneParameter], ...]] = (
        ContinuousNeutoneParameter,
        CategoricalNeutoneParameter,
    )

    if TYPE_CHECKING:  # TorchScript must not see this annotation
        _past_audio: LookBehind | NoLookBehind
        _past_params: LookBehind | NoLookBehind

    def __init_subclass__(cls, **options: Any) -> None:
        adopt_older_names(cls)
        super().__init_subclass__(**options)

    def __init__(self, model: nn.Module | None = None, use_debug_mode: bool = True) -> None:
        super().__init__(model, use_debug_mode)
        self.realtime = True
        self.curr_bs = -1
        self._has_warned = False
        self._initial_state = InitialState()

    def _gather(self) -> None:
        super()._gather()
        self.in_n_ch = 1 if self._card.is_input_mono else 2
        self.out_n_ch = 1 if self._card.is_output_mono else 2
        look_behind = self._card.look_behind_samples
        self._past_audio = make_look_behind(torch.zeros(self.in_n_ch, 1), look_behind)
        self._past_params = make_look_behind(self._parameter_map.default_units(), look_behind)

    def _parameter_rows(self, numerical: int) -> int:
        return self.max_parameters

    # -- the model, which a subclass may override ----------------------------------------------------------------------

    @abstractmethod
    def do_forward_pass(self, x: Tensor, params: dict[str, Tensor]) -> Tensor:
        """Process one block. `x` and `params` are copies while debug mode is on, otherwise the host's memory: do not
        write to them.

        Args:
            x: The input at the model's own rate, float32 of shape (C_in, N_LB + N): N_LB frames of look-behind, then
                the N frames of the block.
            params: A mapping from names to natural values; the value of a categorical parameter is the number of the
                choice. Each has the shape (1,), or the length that :meth:`aggregate_params` left.

        Returns:
            The output, of shape (C_out, N). If it is not float32, it is converted.
        """

    @torch.jit.export
    def is_input_mono(self) -> bool:
        """Return True if the model has one input channel, False if it has two."""
        return self._card.is_input_mono

    @torch.jit.export
    def is_output_mono(self) -> bool:
        """Return True if the model has one output channel, False if it has two."""
        return self._card.is_output_mono

    @torch.jit.export
    def get_native_sample_rates(self) -> list[int]:
        """Return the sample rates (Hz) that the model supports. An empty list means any rate."""
        return self._card.native_sample_rates

    @torch.jit.export
    def get_native_buffer_sizes(self) -> list[int]:
        """Return the block sizes (frames) that the model supports.
        An empty list means any size, and blocks may vary."""
        return self._card.native_buffer_sizes

    @torch.jit.export
    def get_look_behind_samples(self) -> int:
        """Return N_LB, the number of frames before each block that the model needs. It is called once."""
        return self._card.look_behind_samples

    @torch.jit.export
    def calc_model_delay_samples(self) -> int:
        """Return by how many frames, at the model's rate, the output lags the input.
        It may depend on the block size."""
        return 0

    def aggregate_params(self, params: Tensor) -> Tensor:
        """Reduce the 0..1 parameter values of a block, of shape (4, N_LB + N), to their means, of shape (4, 1).
        Return `params` unchanged to get values for every sample."""
        return torch.mean(params, dim=1, keepdim=True)

    def set_model_sample_rate_and_buffer_size(self, sample_rate: int, n_samples: int) -> bool:
        """Adapt to a sample rate (Hz) and a block size (frames). Called before the first block and on every change.
        Returns whether anything was adapted."""
        return False

    def reset_model(self) -> bool:
        """Clear the model's state. Returns whether that was done. Buffers that blocks change get their initial values
        back without it, so it is needed for other kinds of state only."""
        return False

    # -- for hosts and wrappers ----------------------------------------------------------------------------------------

    def prepare_for_inference(self) -> None:
        """Leave training mode and debug mode. Call this before the model is scripted or exported."""
        super().prepare_for_inference()
        self._initial_state.prepare(self)

    def forward(self, x: Tensor, params: Tensor | None = None) -> Tensor:
        """Process one block at the model's own rate.

        Args:
            x: The block, float32 of shape (C_in, N). The look-behind is kept here.
            params: The parameters, float32 of shape (4, N) in 0..1; None for the defaults.

        Returns:
            The output, float32 of shape (C_out, N). It may share memory with `x` if the model passes its input through.
        """
        if not is_scripting():
            self._check_block(x, params)
        if params is None:
            params = self._parameter_map.default_units().to(x.device).repeat(1, x.size(1))
        window: Tensor = self._past_audio(x)
        return self.process_window(window, params)

    def process_window(self, window: Tensor, params: Tensor) -> Tensor:
        """Process one block like :meth:`forward`, for callers that keep the look-behind of the audio themselves.

        Args:
            window: The look-behind and the block, float32 of shape (C_in, N_LB + N).
            params: The parameters, float32 of shape (4, N) in 0..1. Their look-behind is kept here.

        Returns:
            The output, float32 of shape (C_out, N).
        """
        units = self.aggregate_params(self._past_params(params))
        if not is_scripting():
            self._check_units(units)
        values: dict[str, Tensor] = self._parameter_map(units)
        if not is_scripting():
            self._initial_state.observe(self)
            window, values, guard = self._guarded(window, values)
        y = self.do_forward_pass(window, values)
        if not is_scripting():
            self._check_answer(y, window, params.size(1), guard)
        return y.to(window.dtype)

    @torch.jit.export
    def is_resampling(self) -> bool:
        """Return False: the model itself never resamples; the wrapper around it does."""
        return False

    @torch.jit.export
    def set_sample_rate_and_buffer_size(self, sample_rate: int, n_samples: int) -> bool:
        """Announce the sample rate (Hz) and the block size (frames), and clear the look-behind. If the model takes any
        block size, announce the largest. Returns whether the model adapted anything."""
        if not is_scripting():
            self._check_settings(sample_rate, n_samples)
            # Checked in eager mode only; an attribute that changes could not be frozen.
            self.curr_bs = n_samples
        self._past_audio.reset()
        self._past_params.reset()
        if is_scripting():
            if self._initial_state.is_needed:
                self._put_buffers_back()
            is_adapted = self.set_model_sample_rate_and_buffer_size(sample_rate, n_samples)
            if self._initial_state.is_needed:
                self._keep_buffers()
        else:
            marks = self._initial_state.marks(self)
            is_adapted = self.set_model_sample_rate_and_buffer_size(sample_rate, n_samples)
            self._initial_state.update(self, marks)
        return is_adapted

    @torch.jit.export
    def set_daw_sample_rate_and_buffer_size(
        self,
        daw_sr: int,
        daw_buffer_size: int,
        model_sr: int | None = None,
        model_buffer_size: int | None = None,
    ) -> None:
        """Announce the sample rate (Hz) and the block size (frames).
        For hosts that run a model without a wrapper around it."""
        self.set_sample_rate_and_buffer_size(daw_sr, daw_buffer_size)

    @torch.jit.export
    def reset(self) -> bool:
        """Clear the look-behind and the model's state. Buffers that blocks change, and that :meth:`reset_model` leaves
        as they are, get their initial values back. Returns what :meth:`reset_model` returned."""
        self._past_audio.reset()
        self._past_params.reset()
        is_reset = self.reset_model()
        if is_scripting():
            if self._initial_state.is_needed:
                self._put_buffers_back()
        else:
            self._initial_state.put_back(self, is_reset)
        return is_reset

    # TorchScript unrolls these loops; it has no other access to buffers by name.
    def _put_buffers_back(self) -> None:
        for path, module in self.named_modules():
            for name, buffer in module.named_buffers():
                self._initial_state(name if path == "" else path + "." + name, buffer)

    def _keep_buffers(self) -> None:
        for path, module in self.named_modules():
            for name, buffer in module.named_buffers():
                self._initial_state.keep(name if path == "" else path + "." + name, buffer)

    @torch.jit.export
    def to_metadata(self) -> dict[str, Any]:
        """Return the contents of ``metadata.json`` without the sample sounds."""
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

    def _guarded(self, x: Tensor, params: dict[str, Tensor]) -> tuple[Tensor, dict[str, Tensor], InputGuard | None]:
        """Return what the model is given, and a guard in debug mode."""
        if not self.use_debug_mode:
            return x, params, None
        guard = InputGuard(x, params)
        return guard.audio, guard.params, guard

    def _check_answer(self, y: Tensor, x: Tensor, frames: int, guard: InputGuard | None) -> None:
        if guard is not None:
            name = type(self).__name__
            check_answer(name, y, self.out_n_ch, frames, self._card.look_behind_samples, x.device)
            self._warn_once(f"{name}.do_forward_pass()", [*guard.changes(), *conversions(y)])

    def _warn_once(self, method: str, habits: list[str]) -> None:
        """Warn of what is put right at every block, once for each model."""
        if habits and not self._has_warned:
            self._has_warned = True
            warnings.warn(f"{method} {' and '.join(habits)}", WrapperWarning, stacklevel=2)
