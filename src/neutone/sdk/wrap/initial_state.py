"""The values that a model's buffers had before the first block, to put them back at a reset."""

import copy
from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from neutone.sdk.wrap.waveform import WaveformToWaveformBase

TYPICAL_RATE = 48_000
TYPICAL_FRAMES = 512
TRIAL_BLOCKS = 3
OWN_STATE = ("_past_audio.", "_past_params.")
"""The look-behinds, which every reset clears."""


class Trial:
    """What a trial run has shown. All copies of a model share it, so that exporting runs one trial.

    Attributes:
        is_done: Whether there was a trial.
        state: The names of the state buffers; None if the model cannot be copied or run.
    """

    def __init__(self) -> None:
        self.is_done = False
        self.state: set[str] | None = None

    def __deepcopy__(self, memo: object) -> "Trial":
        return self


class InitialState(nn.Module):
    """Restores the buffers that blocks change and that the author's ``reset_model`` leaves as they are.

    Which ones these are is found out by running a few blocks of noise on a copy of the model, and resetting it. The
    other buffers (weights, statistics, filters that depend on the sample rate) are left alone.

    Attributes:
        values: The initial value of each state buffer, by the buffer's name. This is what compiled models use; it is
            empty until :meth:`prepare`.
        is_needed: Whether there is such a buffer. A constant for TorchScript, so that other models compile no code for
            it.
    """

    __constants__: ClassVar[list[str]] = ["is_needed"]
    __jit_ignored_attributes__: ClassVar[list[str]] = ["_before", "_trial"]

    values: dict[str, Tensor]
    is_needed: bool

    def __init__(self) -> None:
        super().__init__()
        self.values = {}
        self.is_needed = False
        self._before: dict[str, Tensor] | None = None
        self._trial = Trial()

    def forward(self, name: str, now: Tensor) -> None:
        """Put the buffer of a name back, which is `now`, if it is state. For compiled models."""
        if name in self.values:
            initial = self.values[name]
            if now.size() == initial.size():  # a compiled model cannot replace a buffer whose name it looks up
                now.copy_(initial)

    @torch.jit.export
    def keep(self, name: str, now: Tensor) -> None:
        """Take the buffer of a name, which is `now`, for its initial value, if it is state. For compiled models."""
        if name in self.values:
            self.values[name] = now.clone()

    # -- in Python -----------------------------------------------------------------------------------------------------

    def observe(self, model: nn.Module) -> None:
        """Remember all buffers, unless that was done. Call it before each block."""
        if self._before is None:
            self._before = _values(model)

    def marks(self, model: nn.Module) -> dict[str, tuple[Tensor, int]]:
        """Return what :meth:`update` compares with."""
        return {name: (tensor, _version(tensor)) for name, tensor in _buffers(model)}

    def update(self, model: nn.Module, marks: dict[str, tuple[Tensor, int]]) -> None:
        """Remember the buffers that have changed since :meth:`marks`: the model has adapted to new settings, and these
        are its initial values from now on."""
        if self._before is not None:
            for name, tensor in _buffers(model):
                if name not in marks or marks[name][0] is not tensor or marks[name][1] != _version(tensor):
                    self._before[name] = tensor.detach().clone()

    def put_back(self, model: "WaveformToWaveformBase", is_reset: bool) -> None:
        """Give the state buffers their initial values. If a copy of the model cannot tell which these are, they are all
        that have changed, unless the author says that the model `is_reset`."""
        before = self._before or {}
        changed = [name for name, tensor in _buffers(model) if name in before and not _equal(tensor, before[name])]
        state = self._state(model) if changed else None
        for name in changed:
            if name in state if state is not None else not is_reset:
                path, _, own = name.rpartition(".")
                setattr(model.get_submodule(path), own, before[name].clone())

    def prepare(self, model: "WaveformToWaveformBase") -> None:
        """Make :attr:`values`, before the model is compiled."""
        if self._before is not None and self._before.keys() != dict(_buffers(model)).keys():
            self._before, self._trial = None, Trial()  # another network, such as a frozen one
        self.observe(model)
        before = self._before or {}
        state = self._state(model) if before else None
        self.values = {name: before[name].clone() for name in state or () if name in before}
        self.is_needed = bool(self.values)

    def _state(self, model: "WaveformToWaveformBase") -> set[str] | None:
        if not self._trial.is_done:
            self._trial.is_done = True
            self._trial.state = _state_of(model)
        return self._trial.state


def _buffers(model: nn.Module) -> Iterator[tuple[str, Tensor]]:
    for name, tensor in model.named_buffers(remove_duplicate=False):
        if not name.startswith(OWN_STATE):
            yield name, tensor


def _values(model: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.detach().clone() for name, tensor in _buffers(model)}


def _version(tensor: Tensor) -> int:
    return 0 if tensor.is_inference() else tensor._version


def _equal(a: Tensor, b: Tensor) -> bool:
    return a.shape == b.shape and a.dtype == b.dtype and torch.equal(a, b)


def _state_of(model: "WaveformToWaveformBase") -> set[str] | None:
    """Return the names of the buffers that blocks change and ``reset_model`` leaves as they are; None if the model
    cannot be copied or run."""
    try:
        trial = copy.deepcopy(model).eval()
        trial.use_debug_mode = False
        frames = (trial.get_native_buffer_sizes() or [TYPICAL_FRAMES])[0]
        with torch.no_grad(), torch.random.fork_rng(devices=[]):  # leave the caller's random state as it is
            trial.set_sample_rate_and_buffer_size((trial.get_native_sample_rates() or [TYPICAL_RATE])[0], frames)
            first = _values(trial)
            for _ in range(TRIAL_BLOCKS):
                trial.forward(torch.rand(trial.in_n_ch, frames) - 0.5)
            then = _values(trial)
            trial.reset_model()
            last = _values(trial)
        both = first.keys() & then.keys() & last.keys()
        return {name for name in both if not _equal(then[name], first[name]) and _equal(last[name], then[name])}
    except Exception:  # anything that the model raises; it raises it again where it is run for the user
        return None
