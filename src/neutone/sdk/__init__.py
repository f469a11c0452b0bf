"""Wrap PyTorch models, describe them, and export them for every host.

It needs PyTorch: the extra ``torch``. For wrappers written for neutone_sdk there is :mod:`neutone.compat`.
"""

from neutone.errors import MissingExtraError
from neutone.installing import install_command

try:
    import torch as _torch  # noqa: F401
except ImportError as error:
    raise MissingExtraError(
        f"neutone.sdk wraps PyTorch models and needs PyTorch, which is missing: {install_command('neutone[torch]')}"
    ) from error

from neutone.model.metadata import ModelMetadata
from neutone.model.parameters import (
    CategoricalNeutoneParameter,
    ContinuousNeutoneParameter,
    DiscreteTokensNeutoneParameter,
    NeutoneParameter,
    TextNeutoneParameter,
)
from neutone.plugins import ExportReport
from neutone.sdk.compat.circular_queue import CircularInplaceTensorQueue
from neutone.sdk.compat.resample_sandwich import ResampleSandwich
from neutone.sdk.compat.resamplers import Inplace4pHermiteResampler, InplaceLinearResampler
from neutone.sdk.convert.convert import OnnxConversion, convert_to_onnx
from neutone.sdk.export.nm.audio_sample import AudioSample, AudioSamplePair
from neutone.sdk.export.nm.samples import default_audio_samples, render_sample
from neutone.sdk.export.nm.save import load_neutone_model, save_neutone_model
from neutone.sdk.export.onnx.file import OnnxExport, export_onnx
from neutone.sdk.export.scripting import load_script, quiet_torchscript, save_script, script
from neutone.sdk.stream.channel_sandwich import ChannelNormalizerSandwich
from neutone.sdk.stream.sample_queue_wrapper import SampleQueueWrapper
from neutone.sdk.wrap.model import NeutoneModel
from neutone.sdk.wrap.parameter_type import NeutoneParameterType
from neutone.sdk.wrap.source import load_checkpoint, open_wrapper
from neutone.sdk.wrap.waveform import WaveformToWaveformBase

__all__ = [
    "AudioSample",
    "AudioSamplePair",
    "CategoricalNeutoneParameter",
    "ChannelNormalizerSandwich",
    "CircularInplaceTensorQueue",
    "ContinuousNeutoneParameter",
    "DiscreteTokensNeutoneParameter",
    "ExportReport",
    "Inplace4pHermiteResampler",
    "InplaceLinearResampler",
    "ModelMetadata",
    "NeutoneModel",
    "NeutoneParameter",
    "NeutoneParameterType",
    "OnnxConversion",
    "OnnxExport",
    "ResampleSandwich",
    "SampleQueueWrapper",
    "TextNeutoneParameter",
    "WaveformToWaveformBase",
    "convert_to_onnx",
    "default_audio_samples",
    "export_onnx",
    "load_checkpoint",
    "load_neutone_model",
    "load_script",
    "open_wrapper",
    "quiet_torchscript",
    "render_sample",
    "save_neutone_model",
    "save_script",
    "script",
]
