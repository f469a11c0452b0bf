"""save_neutone_model: what it writes, and that each of its checks says what is wrong with a model that fails it."""

from __future__ import annotations

import base64
import io
import json
import warnings
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import soundfile

import neutone
from neutone import ModelMetadata
from neutone.errors import (
    AudioFileError,
    CompatibilityWarning,
    ConfigurationError,
    ModelCheckWarning,
    ModelFileError,
    ShapeError,
)

torch = pytest.importorskip("torch")
nn, Tensor = torch.nn, torch.Tensor

from neutone.sdk import (  # noqa: E402
    AudioSample,
    AudioSamplePair,
    CategoricalNeutoneParameter,
    ContinuousNeutoneParameter,
    ExportReport,
    SampleQueueWrapper,
    WaveformToWaveformBase,
    default_audio_samples,
    load_neutone_model,
    render_sample,
    save_neutone_model,
    script,
)


class Clip(WaveformToWaveformBase):
    metadata = ModelMetadata(model_name="Clip", native_sample_rates=[48_000], is_input_mono=True, is_output_mono=True)
    neutone_parameters: ClassVar[list[Any]] = [ContinuousNeutoneParameter("drive", "gain", 2.0, 1.0, 10.0)]

    def do_forward_pass(self, x: Tensor, params: dict[str, Tensor]) -> Tensor:
        return torch.clip(x * params["drive"], -0.5, 0.5)


class Network(nn.Module):
    """Keeps state, which it assigns anew, inside the network."""

    def __init__(self) -> None:
        super().__init__()
        self.filter = nn.Conv1d(1, 1, 3)
        self.register_buffer("past", torch.zeros(1, 2))

    def forward(self, x: Tensor) -> Tensor:
        window = torch.cat([self.past, x], dim=1)
        self.past = window[:, -2:].clone()
        return self.filter(window.unsqueeze(0)).squeeze(0)


class Filter(Clip):
    neutone_parameters: ClassVar[list[Any]] = []

    def __init__(self) -> None:
        torch.manual_seed(0)
        super().__init__(Network())

    def do_forward_pass(self, x: Tensor, params: dict[str, Tensor]) -> Tensor:
        return self.model(x)

    def reset_model(self) -> bool:
        self.model.past = torch.zeros_like(self.model.past)
        return True


class PlainNetwork(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.filter = nn.Conv1d(1, 1, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.filter(x.unsqueeze(0)).squeeze(0)


class PlainFilter(Clip):
    neutone_parameters: ClassVar[list[Any]] = []

    def __init__(self) -> None:
        torch.manual_seed(0)
        super().__init__(PlainNetwork())
        self.register_buffer("last", torch.zeros(1, 1))

    def do_forward_pass(self, x: Tensor, params: dict[str, Tensor]) -> Tensor:
        y = self.model(x) + self.last
        self.last = x[:, -1:].clone()  # assigned in the wrapper, which stays as it is
        return y

    def reset_model(self) -> bool:
        self.last = torch.zeros_like(self.last)
        return True


class Delayed(Clip):
    """13 frames late; says so, or not."""

    neutone_parameters: ClassVar[list[Any]] = []
    answer = 13

    def __init__(self) -> None:
        super().__init__()
        self.told: int = self.answer
        self.register_buffer("past", torch.zeros(1, 13))

    def calc_model_delay_samples(self) -> int:
        return self.told

    def do_forward_pass(self, x: Tensor, params: dict[str, Tensor]) -> Tensor:
        window = torch.cat([self.past, x], dim=1)
        self.past = window[:, -13:].clone()
        return window[:, :-13]

    def reset_model(self) -> bool:
        self.past = torch.zeros_like(self.past)
        return True


class SaysNothing(Delayed):
    answer = 0


class Forgetful(Delayed):
    """Does not reset what it remembers."""

    def reset_model(self) -> bool:
        return True


class OtherOffline(SampleQueueWrapper):
    """Somebody's own wrapper whose offline mode is louder."""

    @torch.jit.export
    def forward_offline(self, x: Tensor, params: Tensor | None = None) -> Tensor:
        self.reset()
        return x * 2.0


class Noise(Clip):
    neutone_parameters: ClassVar[list[Any]] = []

    def do_forward_pass(self, x: Tensor, params: dict[str, Tensor]) -> Tensor:
        return torch.rand_like(x) - 0.5


class OtherWhenScripted(Clip):
    def do_forward_pass(self, x: Tensor, params: dict[str, Tensor]) -> Tensor:
        return x * 0.5 if torch.jit.is_scripting() else x


def save(model: Any, folder: Path, **options: Any) -> ExportReport:
    return save_neutone_model(model, folder, **{"speed_benchmark": False, **options})


def complaint(model: Any, folder: Path, **options: Any) -> str:
    with pytest.warns(ModelCheckWarning) as caught:
        save(model, folder, **options)
    assert len(caught) == 1
    assert caught[0].filename == __file__.replace(".pyc", ".py")  # points at whoever called
    return str(caught[0].message)


def results(report: ExportReport) -> dict[str, bool | None]:
    return {check.name: check.passed for check in report.checks}


# -- what is written ---------------------------------------------------------------------------------------------------


def test_files(tmp_path: Path) -> None:
    report = save(Clip(), tmp_path / "new" / "folder")
    folder = tmp_path / "new" / "folder"
    assert sorted(path.name for path in folder.iterdir()) == ["metadata.json", "model.nm"]
    assert report.path == folder / "model.nm"
    assert results(report) == {
        "metadata": True,
        "preserved attributes": True,
        "saved equals in-memory": True,
        "reset": True,
        "delay": True,
        "offline equals online": True,
    }
    beside = json.loads((folder / "metadata.json").read_text())
    module, inside = load_neutone_model(report.path)
    assert inside == {**beside, "sample_sound_files": []} == report.metadata
    assert module.realtime is True
    assert inside["neutone_parameters"]["p1"]["max_value"] == 10.0
    assert [host.delay for host in report.hosts if host.sample_rate == 48_000] == [0] * 5
    assert all(host.rtf is None for host in report.hosts)


def test_the_file_plays_in_neutone(tmp_path: Path) -> None:
    model = neutone.load(save(Clip(), tmp_path).path)
    audio = np.random.default_rng(0).uniform(-0.5, 0.5, (1, 5000)).astype(np.float32)
    found = neutone.render(model, audio, 48_000, params={"drive": 3.0})
    np.testing.assert_allclose(found, np.clip(3.0 * audio, -0.5, 0.5), atol=1e-6)


def test_a_model_of_ones_own_stays_as_it_was(tmp_path: Path) -> None:
    model = Filter()
    before = {key: tensor.clone() for key, tensor in model.state_dict().items()}
    model.forward(torch.ones(1, 8))
    past = model.model.past.clone()
    save(model, tmp_path, freeze=False)
    assert model.use_debug_mode
    assert torch.equal(model.model.past, past)
    assert all(torch.equal(model.state_dict()[key], before[key]) for key in before if key != "model.past")


def test_a_wrapper_may_be_given(tmp_path: Path) -> None:
    report = save(SampleQueueWrapper(Clip(), resampler="linear"), tmp_path)
    assert not report.failures
    assert load_neutone_model(report.path)[0].points == 2


def test_what_cannot_be_copied_is_saved_as_it_is(tmp_path: Path) -> None:
    model = Clip()
    model.register_buffer("history", torch.ones(1, requires_grad=True) * 2.0, persistent=False)  # deepcopy refuses it
    assert not save(model, tmp_path).failures


def test_tables_are_plain_where_piped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = save_neutone_model(Clip(), tmp_path)
    shown = capsys.readouterr().out
    assert "48000/128" in shown
    assert "RTF" in shown
    assert "\x1b" not in shown
    assert all(host.rtf is not None and host.rtf > 0 for host in report.hosts)
    assert torch.get_num_threads() >= 1


def test_silent_without_benchmark(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save(Clip(), tmp_path)
    assert capsys.readouterr() == ("", "")


# -- checks ------------------------------------------------------------------------------------------------------------


def test_reset_that_forgets_nothing(tmp_path: Path) -> None:
    message = complaint(Forgetful(), tmp_path, test_offline_mode=False)
    assert message.startswith("Forgetful is saved, but look at: reset: ")
    assert "reset_model() leaves the buffers past as they are" in message


def test_wrong_delay(tmp_path: Path) -> None:
    assert results(save(Delayed(), tmp_path))["delay"] is True
    assert "delay: 0 frames reported, 13 measured" in complaint(SaysNothing(), tmp_path)


def test_offline_that_differs(tmp_path: Path) -> None:
    message = complaint(OtherOffline(Delayed()), tmp_path)
    assert "offline equals online: forward_offline and forward: largest difference" in message
    assert "offline equals online" not in results(save(OtherOffline(Delayed()), tmp_path, test_offline_mode=False))


def test_saved_that_differs_is_not_saved(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=r"OtherWhenScripted is not saved: saved equals in-memory: .*difference"):
        save(OtherWhenScripted(), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_attributes_that_are_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("neutone.sdk.export_checks.HOST_SURFACE", ("forward", "forward_sideways"))
    with pytest.raises(ModelFileError, match="preserved attributes: missing: forward_sideways"):
        save(Clip(), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_metadata_that_breaks_a_limit(tmp_path: Path) -> None:
    from neutone.sdk.export_checks import ExportChecks

    module = script(SampleQueueWrapper(Clip()))
    checks = ExportChecks(lambda: module)
    good = {**json.loads(json.dumps(module.to_metadata())), "sample_sound_files": []}
    assert checks.metadata(good).passed
    assert "model_name" in checks.metadata({**good, "model_name": "x" * 31}).detail
    assert "differ in citation" in checks.metadata({**good, "citation": "another"}).detail


def test_a_delay_that_cannot_be_measured_is_no_failure(tmp_path: Path) -> None:
    report = save(Noise(), tmp_path)
    assert results(report)["delay"] is None
    assert not report.failures  # random numbers are drawn alike each time


def test_random_numbers_of_the_caller_stay(tmp_path: Path) -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    save(Noise(), tmp_path)
    assert torch.equal(torch.rand(3), expected)


def test_submission_accepts_no_failure(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="SaysNothing is not saved: delay: 0 frames reported, 13 measured"):
        save(SaysNothing(), tmp_path, submission=True, dump_samples=True)
    assert list(tmp_path.iterdir()) == []
    assert not save(Delayed(), tmp_path, submission=True, dump_samples=True).failures


def test_a_failed_export_leaves_the_earlier_one(tmp_path: Path) -> None:
    path = save(Clip(), tmp_path).path
    before = path.read_bytes()
    with pytest.raises(ModelFileError):
        save(OtherWhenScripted(), tmp_path)
    assert path.read_bytes() == before
    assert sorted(file.name for file in tmp_path.iterdir()) == ["metadata.json", "model.nm"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"submission": True}, "dump_samples=True"),
        ({"submission": True, "dump_samples": True, "test_offline_mode": False}, "test_offline_mode=True"),
        ({"max_n_samples": 4}, "max_n_samples is 4"),
    ],
)
def test_arguments_that_exclude_each_other(tmp_path: Path, options: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        save(Clip(), tmp_path, **options)


def test_no_model_at_all(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="model is a Identity, expected a WaveformToWaveformBase"):
        save(nn.Identity(), tmp_path)


class CannotBeCompiled(Clip):
    def do_forward_pass(self, x: Tensor, params: dict[str, Tensor]) -> Tensor:
        return eval("x")  # type: ignore[no-any-return]


def test_what_cannot_be_compiled(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=r"CannotBeCompiled cannot be compiled: (?s:.*)eval"):
        save(CannotBeCompiled(), tmp_path)


# -- freezing ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{"freeze": True}, {"freeze": True, "optimize": True}, {"optimize": True}])
def test_frozen(tmp_path: Path, options: dict[str, bool]) -> None:
    module, _ = load_neutone_model(save(PlainFilter(), tmp_path, **options).path)
    names = [name for name, _ in module.w2w_base.named_parameters()]
    assert names == []  # constants now
    assert [name for name, _ in module.w2w_base.named_buffers()] == ["last"]


def test_a_frozen_network_keeps_its_state(tmp_path: Path) -> None:
    report = save(Filter(), tmp_path, freeze=True)
    assert not report.failures  # it equals the model in memory, and is reset
    assert [name for name, _ in load_neutone_model(report.path)[0].w2w_base.named_buffers()] == ["model.past"]


class ClearableNetwork(Network):
    @torch.jit.export
    def clear(self) -> None:
        self.past = torch.zeros_like(self.past)


class Clearing(Filter):
    def __init__(self) -> None:
        super().__init__()
        self.model = ClearableNetwork()

    def reset_model(self) -> bool:
        self.model.clear()
        return True


def test_a_network_with_methods_of_its_own_cannot_be_frozen(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=r"Clearing cannot be compiled.*try without freezing(?s:.*)clear"):
        save(Clearing(), tmp_path, freeze=True)
    assert list(tmp_path.iterdir()) == []
    assert not save(Clearing(), tmp_path).failures


class Unscriptable(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return eval("x")  # type: ignore[no-any-return]


def test_a_network_that_cannot_be_compiled_cannot_be_frozen(tmp_path: Path) -> None:
    model = Clip(Unscriptable())
    with pytest.raises(ModelFileError, match=r"Clip.model, a Unscriptable, cannot be frozen by itself"):
        save(model, tmp_path, freeze=True)


# -- compatibility -----------------------------------------------------------------------------------------------------


class Choosy(Clip):
    metadata = ModelMetadata(model_name="Choosy", native_sample_rates=[48_000, 192_000], tags=["a", "a"])
    neutone_parameters: ClassVar[list[Any]] = [CategoricalNeutoneParameter("mode", "which", 3)]

    def do_forward_pass(self, x: Tensor, params: dict[str, Tensor]) -> Tensor:
        return x


def test_what_the_peer_refuses_is_warned_of(tmp_path: Path) -> None:
    with pytest.warns(CompatibilityWarning) as caught:
        save(Choosy(), tmp_path)
    message = str(caught[0].message)
    for words in ("neutone_sdk 1.5.2", "categorical parameter 'mode'", "192000 Hz", "tag 'a' stands there twice"):
        assert words in message


# -- sounds ------------------------------------------------------------------------------------------------------------


def decoded(mp3: bytes) -> tuple[Any, int]:
    audio, rate = soundfile.read(io.BytesIO(mp3), dtype="float32", always_2d=True)
    return audio.T, rate


def test_default_samples(tmp_path: Path) -> None:
    report = save(Clip(), tmp_path, dump_samples=True)
    (pair,) = report.metadata["sample_sound_files"]
    assert sorted(path.name for path in (tmp_path / "samples").iterdir()) == ["sample_in_0.mp3", "sample_out_0.mp3"]
    assert (tmp_path / "samples" / "sample_out_0.mp3").read_bytes() == base64.b64decode(pair["out"])
    heard, rate = decoded(base64.b64decode(pair["out"]))
    expected = render_sample(SampleQueueWrapper(Clip()), default_audio_samples()[0])
    assert rate == expected.sr
    n = min(heard.shape[1], expected.audio.size(1))
    assert np.corrcoef(heard[0, :n], expected.audio[0, :n].numpy())[0, 1] > 0.99
    assert "sample_sound_files" not in json.loads((tmp_path / "metadata.json").read_text())


def test_samples_of_ones_own(tmp_path: Path) -> None:
    pairs = [AudioSamplePair(AudioSample(torch.rand(2, 9600) - 0.5, 48_000), tone(48_000)) for _ in range(4)]
    report = save(Clip(), tmp_path, audio_sample_pairs=pairs)
    assert len(report.metadata["sample_sound_files"]) == 3
    assert not (tmp_path / "samples").exists()
    report = save(Clip(), tmp_path, audio_sample_pairs=pairs, max_n_samples=2, dump_samples=True)
    assert len(report.metadata["sample_sound_files"]) == 2
    assert len(list((tmp_path / "samples").iterdir())) == 4
    assert save(Clip(), tmp_path, dump_samples=True, max_n_samples=0).metadata["sample_sound_files"] == []


def tone(rate: int) -> AudioSample:
    return AudioSample(0.5 * torch.sin(2 * torch.pi * 440 * torch.arange(rate) / rate)[None], rate)


@pytest.mark.parametrize(("rate", "in_mp3"), [(44_100, 44_100), (96_000, 48_000)])
def test_mp3(rate: int, in_mp3: int) -> None:
    audio, found = decoded(tone(rate).to_mp3_bytes())
    assert found == in_mp3
    spectrum = np.abs(np.fft.rfft(audio[0, :in_mp3]))
    assert abs(int(spectrum.argmax()) * in_mp3 / len(audio[0, :in_mp3]) - 440) < 2


def test_samples_come_back(tmp_path: Path) -> None:
    sample = tone(44_100)
    (tmp_path / "tone.mp3").write_bytes(sample.to_mp3_bytes())
    for found in (AudioSample.from_file(tmp_path / "tone.mp3"), AudioSample.from_b64(sample.to_mp3_b64())):
        assert found.sr == 44_100
        assert found.is_mono()
    with pytest.raises(AudioFileError, match="no audio file"):
        AudioSample.from_bytes(b"noise")
    with pytest.raises(ShapeError, match="expected"):
        AudioSample(torch.zeros(3, 10), 48_000)


def test_render_sample_is_not_late() -> None:
    rendered = render_sample(SampleQueueWrapper(Delayed()), tone(48_000))
    assert torch.allclose(rendered.audio, tone(48_000).audio, atol=1e-6)


# -- load --------------------------------------------------------------------------------------------------------------


def test_load_says_what_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nothing"):
        load_neutone_model(tmp_path / "nothing.nm")
    (tmp_path / "garbage.nm").write_bytes(b"garbage")
    with pytest.raises(ModelFileError, match="not a TorchScript archive"):
        load_neutone_model(tmp_path / "garbage.nm")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.jit.save(torch.jit.script(nn.Identity()), str(tmp_path / "plain.nm"))
        torch.jit.save(
            torch.jit.script(nn.Identity()), str(tmp_path / "wrong.nm"), _extra_files={"metadata.json": b'{"tags": 1}'}
        )
    with pytest.raises(ModelFileError, match=r"has no metadata.json inside"):
        load_neutone_model(tmp_path / "plain.nm")
    with pytest.raises(ModelFileError, match=r"wrong.nm, metadata.json: model metadata"):
        load_neutone_model(tmp_path / "wrong.nm")
