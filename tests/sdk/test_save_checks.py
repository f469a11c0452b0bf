"""save_neutone_model: each of its checks says what is wrong with a model that fails it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, ClassVar

import pytest

from neutone.errors import ConfigurationError, ModelFileError

torch = pytest.importorskip("torch")
nn, Tensor = torch.nn, torch.Tensor

from neutone.sdk import SampleQueueWrapper, script  # noqa: E402
from support.saving import Clip, Delayed, complaint, results, save  # noqa: E402


class SaysNothing(Delayed):
    answer = 0


class Forgetful(Delayed):
    """Does not clear its state on reset, and keeps it where nobody else can."""

    def __init__(self) -> None:
        super().__init__()
        self.gain: float = 1.0

    def do_forward_pass(self, x: Tensor, params: dict[str, Tensor]) -> Tensor:
        self.gain *= 0.99
        return x * self.gain

    def calc_model_delay_samples(self) -> int:
        return 0

    def reset_model(self) -> bool:
        return True


class OtherOffline(SampleQueueWrapper):
    """A wrapper of a third party whose offline mode is louder."""

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


# -- checks ------------------------------------------------------------------------------------------------------------


def test_reset_that_forgets_nothing(tmp_path: Path) -> None:
    message = complaint(Forgetful(), tmp_path, test_offline_mode=False)
    assert message.startswith("Forgetful is saved, but these checks failed: reset: ")


@pytest.mark.long
def test_wrong_delay(tmp_path: Path) -> None:
    assert results(save(Delayed(), tmp_path))["delay"] is True
    assert "delay: 0 frames reported, 13 measured" in complaint(SaysNothing(), tmp_path)


@pytest.mark.long
def test_offline_that_differs(tmp_path: Path) -> None:
    message = complaint(OtherOffline(Delayed()), tmp_path)
    assert "offline equals online: forward_offline and forward: largest difference" in message
    assert "offline equals online" not in results(save(OtherOffline(Delayed()), tmp_path, test_offline_mode=False))


def test_saved_that_differs_is_not_saved(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=r"OtherWhenScripted is not saved: saved equals in-memory: .*difference"):
        save(OtherWhenScripted(), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_attributes_that_are_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("neutone.sdk.export.nm.checks.PRESERVED", ("forward_sideways",))
    with pytest.raises(ModelFileError, match="preserved attributes: missing: forward_sideways"):
        save(Clip(), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_metadata_that_breaks_a_limit(tmp_path: Path) -> None:
    from neutone.sdk.export.nm.checks import NmChecks

    module = script(SampleQueueWrapper(Clip()))
    checks = NmChecks(lambda: module)
    good = {**json.loads(json.dumps(module.to_metadata())), "sample_sound_files": []}
    assert checks.metadata(good).passed
    assert "model_name" in checks.metadata({**good, "model_name": "x" * 31}).detail
    assert "differ in citation" in checks.metadata({**good, "citation": "another"}).detail


def test_a_delay_that_cannot_be_measured_is_no_failure(tmp_path: Path) -> None:
    report = save(Noise(), tmp_path)
    assert results(report)["delay"] is None
    assert not report.failures  # the same random numbers are drawn each time


def test_random_numbers_of_the_caller_stay(tmp_path: Path) -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    save(Noise(), tmp_path)
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.long
def test_submission_accepts_no_failure(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="SaysNothing is not saved: delay: 0 frames reported, 13 measured"):
        save(SaysNothing(), tmp_path, submission=True, dump_samples=True)
    assert list(tmp_path.iterdir()) == []
    assert not save(Delayed(), tmp_path, submission=True, dump_samples=True).failures


@pytest.mark.long
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
