"""Wrappers in the style of those that are published for neutone_sdk, with only the package's name replaced."""

import logging
import math
import os
from typing import Dict, List, Union  # noqa: UP035

import torch
import torch as tr
import torch.nn as nn
from torch import Tensor as T

import neutone.compat.audio as audio
from neutone.compat import KnobNeutoneParameter, NeutoneParameter, WaveformToWaveformBase
from neutone.compat.core import NeutoneModel
from neutone.compat.parameter import ContinuousNeutoneParameter
from neutone.compat.utils import validate_waveform
from neutone.compat.wavform_to_wavform import WaveformToWaveformBase as Base

log = logging.getLogger(__name__)
log.setLevel(level=os.environ.get("LOGLEVEL", "INFO"))


class Described(WaveformToWaveformBase):
    def get_model_name(self) -> str:
        return "test." + type(self).__name__

    def get_model_authors(self) -> List[str]:  # noqa: UP006
        return ["Author Name"]

    def get_model_short_description(self) -> str:
        return "short"

    def get_model_long_description(self) -> str:
        return "long"

    def get_technical_description(self) -> str:
        return "technical"

    def get_technical_links(self) -> Dict[str, str]:  # noqa: UP006
        return {}

    def get_tags(self) -> List[str]:  # noqa: UP006
        return ["test"]

    def get_model_version(self) -> str:
        return "1.0.0"

    def is_experimental(self) -> bool:
        return False

    def get_neutone_parameters(self) -> List[NeutoneParameter]:  # noqa: UP006
        return []

    @tr.jit.export
    def is_input_mono(self) -> bool:
        return False

    @tr.jit.export
    def is_output_mono(self) -> bool:
        return False

    @tr.jit.export
    def get_native_sample_rates(self) -> List[int]:  # noqa: UP006
        return [48000]

    @tr.jit.export
    def get_native_buffer_sizes(self) -> List[int]:  # noqa: UP006
        return []


class ClipperModel(nn.Module):
    def forward(self, x: T, min_val: T, max_val: T, gain: T) -> T:
        tr.neg(min_val, out=min_val)
        tr.mul(gain, min_val, out=min_val)
        tr.mul(gain, max_val, out=max_val)
        tr.clip(x, min=min_val, max=max_val, out=x)
        return x


class Clipper(Described):
    """Writes to everything that it is given, as the clipper of neutone_sdk's examples does."""

    def get_neutone_parameters(self) -> List[NeutoneParameter]:  # noqa: UP006
        return [
            NeutoneParameter("min", "min clip threshold", default_value=0.15),
            KnobNeutoneParameter("max", "max clip threshold", 0.25),
            ContinuousNeutoneParameter("gain", "scale clip threshold", default_value=1.0),
        ]

    def aggregate_params(self, params: T) -> T:
        return params

    def do_forward_pass(self, x: T, params: Dict[str, T]) -> T:  # noqa: UP006
        return self.model.forward(x, params["min"], params["max"], params["gain"])


class Cached(nn.Module):
    """A convolution that keeps its past in a view, and has no reset."""

    def __init__(self, channels: int, kernel: int) -> None:
        super().__init__()
        tr.manual_seed(0)
        self.conv = nn.Conv1d(channels, channels, kernel)
        self.padding = kernel - 1
        self.register_buffer("pad", tr.zeros(1, channels, self.padding))

    def forward(self, x: T) -> T:
        padded = tr.cat([self.pad, x], -1)
        self.pad = padded[..., -self.padding :]
        return self.conv(padded)


class Overdrive(Described):
    """Stereo in one set of caches; states its delay under its name of neutone_sdk 1.1, and has no reset_model."""

    neutone_parameters_metadata: Dict[str, Dict[str, Union[int, float, str, bool, List[str], List[int]]]]  # noqa: UP006, UP007
    remapped_params: Dict[str, T]  # noqa: UP006
    neutone_parameter_names: List[str]  # noqa: UP006

    def __init__(self, delay: int = 3) -> None:
        self._meta_name = "Overdrive"
        super().__init__(Cached(2, 4))
        self.delay = delay

    def get_model_name(self) -> str:
        return f"{self._meta_name}.{self.delay}"

    def get_neutone_parameters(self) -> List[NeutoneParameter]:  # noqa: UP006
        return [NeutoneParameter(name="depth", description="", default_value=0.5)]

    @tr.jit.export
    def calc_min_delay_samples(self) -> int:
        return self.delay

    def do_forward_pass(self, x: T, params: Dict[str, T]) -> T:  # noqa: UP006
        if self.use_debug_mode:
            validate_waveform(x, self.is_input_mono())
        y = self.model(x.unsqueeze(0)).squeeze(0)
        return y * params["depth"]


class Tremolo(Base):
    """Computes in double precision, with a phase that nothing resets, and has no metadata but the necessary."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__(model)
        self.register_buffer("phase", tr.zeros(1, dtype=tr.double))
        self.rate = 5.0
        self.sr = 48_000

    def get_model_name(self) -> str:
        return "Tremolo"

    def is_input_mono(self) -> bool:
        return True

    def is_output_mono(self) -> bool:
        return True

    def get_native_sample_rates(self) -> List[int]:  # noqa: UP006
        return [self.sr]

    def do_forward_pass(self, x: T, params: Dict[str, T]) -> T:  # noqa: UP006
        steps = tr.arange(1, x.size(1) + 1, dtype=tr.double)
        phase = self.phase + steps * (2.0 * math.pi * self.rate / self.sr)
        self.phase = phase[-1:] % (2.0 * math.pi)
        return x.double() * (0.75 + 0.25 * torch.cos(phase))


MODELS = {"clipper": lambda: Clipper(ClipperModel()), "overdrive": Overdrive, "tremolo": lambda: Tremolo(nn.Identity())}
assert issubclass(Base, NeutoneModel)
assert audio.AudioSample
