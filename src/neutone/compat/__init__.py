"""The modules and names of neutone_sdk 1.5.2, so that replacing ``neutone_sdk`` by ``neutone.compat`` in a file is all.

These are thin faces over :mod:`neutone.sdk`, which new code should use. Names that neutone does not have yet raise
:class:`~neutone.errors.MissingNameError` when they are imported; they are listed in ``neutone/compat/not_yet.py``.
``neutone port FILE`` replaces the imports in a file and says what needs a look.

>>> from neutone.compat import NeutoneParameter, WaveformToWaveformBase
>>> from neutone.compat.utils import save_neutone_model
>>> NeutoneParameter("drive", "gain", default_value=0.5).type
'continuous'
"""

from neutone.compat import (
    audio,
    constants,
    core,
    metadata,
    parameter,
    queues,
    sandwich,
    sqw,
    utils,
    wavform_to_wavform,
)
from neutone.compat.constants import DEFAULT_DAW_BS, DEFAULT_DAW_SR
from neutone.compat.core import NeutoneModel
from neutone.compat.parameter import (
    CategoricalNeutoneParameter,
    ContinuousNeutoneParameter,
    DiscreteTokensNeutoneParameter,
    KnobNeutoneParameter,
    NeutoneParameter,
    NeutoneParameterType,
    TextNeutoneParameter,
)
from neutone.compat.queues import CircularInplaceTensorQueue
from neutone.compat.sandwich import ChannelNormalizerSandwich, Inplace4pHermiteResampler, InplaceLinearResampler
from neutone.compat.sqw import SampleQueueWrapper
from neutone.compat.utils import validate_waveform
from neutone.compat.wavform_to_wavform import WaveformToWaveformBase

__all__ = [
    "DEFAULT_DAW_BS",
    "DEFAULT_DAW_SR",
    "CategoricalNeutoneParameter",
    "ChannelNormalizerSandwich",
    "CircularInplaceTensorQueue",
    "ContinuousNeutoneParameter",
    "DiscreteTokensNeutoneParameter",
    "Inplace4pHermiteResampler",
    "InplaceLinearResampler",
    "KnobNeutoneParameter",
    "NeutoneModel",
    "NeutoneParameter",
    "NeutoneParameterType",
    "SampleQueueWrapper",
    "TextNeutoneParameter",
    "WaveformToWaveformBase",
    "audio",
    "constants",
    "core",
    "metadata",
    "parameter",
    "queues",
    "sandwich",
    "sqw",
    "utils",
    "validate_waveform",
    "wavform_to_wavform",
]
