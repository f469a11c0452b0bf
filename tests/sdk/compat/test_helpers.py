"""The functions of ``neutone.compat.audio``, ``utils``, ``metadata`` and ``sandwich``."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from neutone.errors import ConfigurationError, MetadataError, ModelFileError, ShapeError
from support.older_wrappers import Overdrive, Tremolo

torch = pytest.importorskip("torch")

from neutone.compat.audio import (  # noqa: E402
    AudioSample,
    get_default_audio_samples,
    render_audio_sample,
    run_inference_realtime,
    write_mp3,
)
from neutone.compat.metadata import SCHEMA, required_params, validate_metadata  # noqa: E402
from neutone.compat.sandwich import LinearResampler  # noqa: E402
from neutone.compat.sqw import SampleQueueWrapper  # noqa: E402
from neutone.compat.utils import (  # noqa: E402
    check_for_preserved_attributes,
    dump_samples_from_metadata,
    model_to_torchscript,
    select_best_model_buffer_size,
    select_best_model_sr,
    validate_waveform,
)
from neutone.sdk import script  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::neutone.errors.WrapperWarning")


def sine(rate: int, channels: int = 1) -> AudioSample:
    phase = 2 * torch.pi * 441.0 / rate * torch.arange(rate // 4)
    return AudioSample(0.5 * torch.sin(phase).repeat(channels, 1), rate)


class Plain(Overdrive):
    def do_forward_pass(self, x: torch.Tensor, params: dict[str, torch.Tensor]) -> torch.Tensor:
        return x * params["depth"]

    def calc_min_delay_samples(self) -> int:
        return 0


@pytest.mark.parametrize("output_sr", [44_100, 48_000, 32_000])
def test_rendering_is_aligned_and_at_the_rate_that_was_asked_for(output_sr: int) -> None:
    rendered = render_audio_sample(Plain(), sine(48_000), output_sr=output_sr)
    expected = 0.5 * sine(output_sr).audio
    assert rendered.sr == output_sr
    assert rendered.audio.shape == (2, output_sr // 4)
    inner = slice(output_sr // 20, -output_sr // 20)
    torch.testing.assert_close(rendered.audio[:1, inner], expected[:, inner], atol=1e-3, rtol=0)


@pytest.mark.parametrize("shape", [(4,), (4, 1), (4, 12_000)])
def test_parameters_of_a_rendering(shape: tuple[int, ...]) -> None:
    rendered = render_audio_sample(Plain(), sine(48_000), torch.full(shape, 0.25), output_sr=48_000)
    torch.testing.assert_close(rendered.audio[:1], 0.25 * sine(48_000).audio)


@pytest.mark.parametrize("form", [SampleQueueWrapper, lambda model: script(SampleQueueWrapper(model))])
def test_what_can_be_rendered(form: Any) -> None:
    rendered = run_inference_realtime(form(Plain()), sine(48_000, 2), 48_000, 300, output_sr=48_000)
    torch.testing.assert_close(rendered.audio, 0.5 * sine(48_000, 2).audio)


def test_what_cannot_be_rendered() -> None:
    with pytest.raises(ConfigurationError, match="a Linear, expected a model that runs in real time"):
        render_audio_sample(torch.nn.Linear(1, 1), sine(48_000))
    with pytest.raises(ConfigurationError, match="text_params"):
        render_audio_sample(Plain(), sine(48_000), text_params=["la"])
    with pytest.raises(ShapeError, match=r"params of shape \(1,\), expected \(4,\) or \(4, 12000\)"):
        render_audio_sample(Plain(), sine(48_000), torch.zeros(1))


def test_sounds() -> None:
    samples = get_default_audio_samples()
    assert all(isinstance(sample, AudioSample) for sample in samples)
    buffer = io.BytesIO()
    write_mp3(buffer, sine(48_000).audio, 48_000, quality=0.5)
    audio, rate = soundfile.read(io.BytesIO(buffer.getvalue()))
    assert rate == 48_000
    assert np.abs(audio).max() == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize(
    ("shape", "is_mono"), [((1, 8), False), ((2, 8), True), ((8,), True), ((1, 0), True), ((8, 2), False)]
)
def test_wrong_waveforms(shape: tuple[int, ...], is_mono: bool) -> None:
    with pytest.raises(ShapeError, match="audio of shape"):
        validate_waveform(torch.zeros(shape), is_mono)
    validate_waveform(torch.zeros(1 if is_mono else 2, 8), is_mono)


@pytest.mark.parametrize(
    ("rate", "rates", "chosen"),
    [
        (44_100, [], 44_100),
        (44_100, [48_000], 48_000),
        (50_000, [44_100, 48_000], 48_000),
        (44_100, [96_000, 48_000], 48_000),
    ],
)
def test_the_best_rate(rate: int, rates: list[int], chosen: int) -> None:
    assert select_best_model_sr(rate, rates) == chosen
    assert SampleQueueWrapper.select_best_model_sr(rate, rates) == chosen


@pytest.mark.parametrize(
    ("size", "sizes", "chosen"),
    [
        (512, [], 512),
        (512, [2048], 2048),
        (512, [256, 128], 256),
        (500, [128, 512, 256], 512),
        (2048, [512, 1024], 1024),
    ],
)
def test_the_best_block_size(size: int, sizes: list[int], chosen: int) -> None:
    assert select_best_model_buffer_size(size, sizes) == chosen


@pytest.mark.parametrize("freeze", [False, True])
def test_compiling(freeze: bool) -> None:
    compiled: Any = model_to_torchscript(SampleQueueWrapper(Plain()), freeze=freeze)
    check_for_preserved_attributes(compiled, compiled.get_preserved_attributes())
    with pytest.raises(ModelFileError, match="lacks flush"):
        check_for_preserved_attributes(compiled, ["reset", "flush"])
    with torch.no_grad():
        assert compiled.forward(torch.ones(2, 2048))[0, -1].item() == 0.5


def test_metadata() -> None:
    metadata = {**Tremolo(torch.nn.Identity()).to_metadata(), "sample_sound_files": []}
    assert len(required_params) == 21
    assert set(required_params) < set(SCHEMA["properties"])
    assert validate_metadata(metadata, True)
    with pytest.raises(MetadataError, match="has no 'tags'"):
        validate_metadata({key: value for key, value in metadata.items() if key != "tags"}, True)
    with pytest.raises(MetadataError, match="look_behind_samples"):
        validate_metadata({key: value for key, value in metadata.items() if key != "look_behind_samples"}, True)
    with pytest.raises(MetadataError, match="5 items"):
        validate_metadata({**metadata, "model_authors": ["a"] * 6}, True)


def test_sounds_from_metadata(tmp_path: Path) -> None:
    sounds = {side: base64.b64encode(side.encode()).decode() for side in ("in", "out")}
    dump_samples_from_metadata({"sample_sound_files": [sounds]}, tmp_path)
    assert (tmp_path / "samples" / "sample_out_0.mp3").read_bytes() == b"out"
    with pytest.raises(ConfigurationError, match="dump_samples=True"):
        dump_samples_from_metadata({}, tmp_path)


def test_linear_resampling_within_blocks() -> None:
    resampler = LinearResampler(48_000, 44_100, 512)
    block = torch.linspace(0.0, 1.0, 512).repeat(2, 1)
    inside = resampler.process_in(block)
    torch.testing.assert_close(inside, torch.linspace(0.0, 1.0, 471).repeat(2, 1))
    torch.testing.assert_close(resampler.process_out(inside), block)
    assert LinearResampler(48_000, 48_000, 512).process_in(block) is block
