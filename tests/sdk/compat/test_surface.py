"""The modules and names of ``neutone.compat`` are those of neutone_sdk 1.5.2."""

from __future__ import annotations

import importlib
import pkgutil

import pytest

pytest.importorskip("torch")

import neutone.compat
from neutone.compat.not_yet import NOT_YET
from neutone.errors import MissingNameError, NeutoneError

# The public names of neutone_sdk 1.5.2, by module.
SURFACE = {
    "audio": "AudioSample AudioSamplePair get_default_audio_samples render_audio_sample run_inference_nonrealtime "
    "run_inference_realtime write_mp3",
    "benchmark": "benchmark_latency benchmark_latency_ benchmark_speed benchmark_speed_ cli profile profile_sqw",
    "cached_mel_spec": "CachedMelSpec",
    "constants": "DEFAULT_DAW_BS DEFAULT_DAW_SR MAX_N_AUDIO_SAMPLES MAX_N_CATEGORICAL_LABEL_CHARS "
    "MAX_N_CATEGORICAL_VALUES MAX_N_PARAMS NEUTONE_GEN_N_NUMERICAL_PARAMS NEUTONE_GEN_N_TEXT_PARAMS "
    "NEUTONE_GEN_N_TOKENS_PARAMS SDK_VERSION",
    "conv": "Conv1dGeneral PaddingCached",
    "core": "NeutoneModel",
    "filters": "FIRFilter FilterType IIRFilter IIRSVF",
    "gcn_1d": "Conv1dCausal GCN1D GCN1DBlock GatedAF TFiLM",
    "metadata": "SCHEMA extra_required_params_realtime required_params validate_metadata",
    "non_realtime_sqw": "NonRealtimeSampleQueueWrapper",
    "non_realtime_wrapper": "NonRealtimeBase NonRealtimeTokenizerBase TokenizerType",
    "parameter": "CategoricalNeutoneParameter ContinuousNeutoneParameter DiscreteTokensNeutoneParameter "
    "NeutoneParameter NeutoneParameterType TextNeutoneParameter",
    "queues": "CircularInplaceTensorQueue",
    "realtime_stft": "RealtimeSTFT",
    "sandwich": "ChannelNormalizerSandwich Inplace4pHermiteResampler InplaceLinearResampler LinearResampler "
    "PTResampler ResampleSandwich",
    "sqw": "SampleQueueWrapper",
    "tcn_1d": "FiLM TCN1D TCN1DBlock causal_crop",
    "utils": "check_for_preserved_attributes dump_samples_from_metadata load_neutone_model model_to_torchscript "
    "save_neutone_model select_best_model_buffer_size select_best_model_sr validate_waveform",
    "wavform_to_wavform": "WaveformToWaveformBase",
}
PACKAGE = (
    "CategoricalNeutoneParameter ChannelNormalizerSandwich CircularInplaceTensorQueue ContinuousNeutoneParameter "
    "DEFAULT_DAW_BS DEFAULT_DAW_SR DiscreteTokensNeutoneParameter Inplace4pHermiteResampler InplaceLinearResampler "
    "NeutoneModel NeutoneParameter NeutoneParameterType SampleQueueWrapper TextNeutoneParameter WaveformToWaveformBase "
    "audio constants core metadata parameter queues sandwich sqw utils validate_waveform wavform_to_wavform"
)
NAMES = [(module, name) for module, names in SURFACE.items() for name in names.split()]


def test_every_module_is_there() -> None:
    found = {module.name for module in pkgutil.iter_modules(neutone.compat.__path__)}
    assert found == set(SURFACE) | {"not_yet"}


@pytest.mark.parametrize(("module", "name"), NAMES)
def test_a_name_is_there_or_says_that_it_is_not(module: str, name: str) -> None:
    if name in NOT_YET.get(module, ()):
        with pytest.raises(MissingNameError, match=rf"neutone_sdk\.{module}\.{name} is not part of neutone yet"):
            exec(f"from neutone.compat.{module} import {name}")
        with pytest.raises(MissingNameError, match=name):
            getattr(importlib.import_module(f"neutone.compat.{module}"), name)
    else:
        exec(f"from neutone.compat.{module} import {name}")


def test_only_names_of_neutone_sdk_are_called_missing() -> None:
    assert {(module, name) for module, names in NOT_YET.items() for name in names} <= set(NAMES)


@pytest.mark.parametrize("name", PACKAGE.split())
def test_the_package_has_the_names(name: str) -> None:
    assert name in neutone.compat.__all__
    assert hasattr(neutone.compat, name)


def test_other_names_are_missing_as_usual() -> None:
    filters = importlib.import_module("neutone.compat.filters")
    assert not hasattr(filters, "Nothing")
    with pytest.raises(ImportError, match="cannot import name 'Nothing'") as caught:
        exec("from neutone.compat.filters import Nothing")
    assert not isinstance(caught.value, NeutoneError)
