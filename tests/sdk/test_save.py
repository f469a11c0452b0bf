"""save_neutone_model: what it writes, what it warns of, and what is read from its files."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

import neutone
from neutone import ModelMetadata
from neutone.errors import CompatibilityWarning, ModelFileError

torch = pytest.importorskip("torch")
nn, Tensor = torch.nn, torch.Tensor

from neutone.sdk import CategoricalNeutoneParameter, SampleQueueWrapper, load_neutone_model, save_neutone_model  # noqa: E402
from support.saving import Clip, Filter, results, save  # noqa: E402

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


@pytest.mark.long
def test_the_report_is_a_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = save_neutone_model(Clip(), tmp_path)
    assert capsys.readouterr() == ("", "")
    shown = str(report)
    assert "saved equals in-memory" in shown
    assert "48000/128" in shown
    assert "RTF" in shown
    assert "\x1b" not in shown
    assert all(host.rtf is not None and host.rtf > 0 for host in report.hosts)
    assert torch.get_num_threads() >= 1


def test_silent_without_benchmark(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save(Clip(), tmp_path)
    assert capsys.readouterr() == ("", "")


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
    for words in ("neutone_sdk 1.5.2", "categorical parameter 'mode'", "192000 Hz", "tag 'a' is listed twice"):
        assert words in message


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


def test_a_file_holds_no_queues(tmp_path: Path) -> None:
    """They are allocated by the first block, or by the host's settings."""
    save(Clip(), tmp_path)
    assert (tmp_path / "model.nm").stat().st_size < 80_000
    audio = torch.rand(2, 2048) - 0.5
    for method in ("forward", "forward_bt", "forward_offline"):
        told, not_told = (load_neutone_model(tmp_path / "model.nm")[0] for _ in range(2))
        told.set_daw_sample_rate_and_buffer_size(48_000, 2048)
        torch.testing.assert_close(getattr(not_told, method)(audio), getattr(told, method)(audio), rtol=0.0, atol=0.0)
        not_told.reset()
        told.reset()
        torch.testing.assert_close(getattr(not_told, method)(audio), getattr(told, method)(audio), rtol=0.0, atol=0.0)
