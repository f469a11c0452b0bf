"""The python backend: wrapped models that were not exported, loaded by instance and by name."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neutone
from neutone.errors import ConfigurationError, InferenceError, ModelFileError, UnknownPluginError
from neutone.plugins import Model
from neutone.testing import BackendContract
from neutone_torch import PythonBackend
from support.models import noise

torch = pytest.importorskip("torch")
from support import wrappers_by_name as wrappers  # noqa: E402

FILE = Path(wrappers.__file__)


class Contract(BackendContract):
    """The backend's model has no file, so it is loaded by name."""

    backend = PythonBackend
    name: str

    @pytest.fixture
    def model_file(self) -> Path:
        return Path(f"{FILE}:{self.name}")

    def test_missing_file(self, tmp_path: Path) -> None:
        with pytest.raises(FileNotFoundError):
            PythonBackend().load(f"{tmp_path / 'nothing.py'}:Echo")

    def test_a_file_that_is_no_model(self, tmp_path: Path) -> None:
        path = tmp_path / "garbage.py"
        path.write_bytes(b"this is not a model" * 10)
        with pytest.raises(ModelFileError, match="garbage"):
            PythonBackend().load(f"{path}:Echo")


class TestContractEcho(Contract):
    name = "Echo"


class TestContractNoReset(Contract):
    name = "NoReset"


class TestContractBlocks(Contract):
    name = "Blocks"


# -- instances and names -----------------------------------------------------------------------------------------------


def name_of(model: Model) -> str:
    return model.metadata.model_name


def test_names(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("Echo", "make_echo", "ready_made"):
        assert name_of(neutone.load(f"{FILE}:{name}")) == "Echo"
    assert name_of(neutone.load(Path(f"{FILE}:Echo"))) == "Echo"
    assert name_of(neutone.load("support.wrappers_by_name:Blocks")) == "Blocks"
    monkeypatch.chdir(FILE.parent)
    before = list(sys.path)
    assert name_of(neutone.load("wrappers_by_name.py:Blocks")) == "Blocks"
    assert sys.path == before


@pytest.mark.long
def test_a_module_in_the_current_folder(tmp_path: Path) -> None:
    (tmp_path / "my_models.py").write_text(FILE.read_text())
    code = "import neutone; print(neutone.load('my_models:Echo').metadata.model_name)"
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    result = subprocess.run(
        [sys.executable, "-P", "-c", code], cwd=tmp_path, capture_output=True, text=True, env=environment, timeout=60
    )
    assert result.stdout == "Echo\n", result.stderr


def test_a_file_is_read_anew(tmp_path: Path) -> None:
    path = tmp_path / "edited.py"
    path.write_text(FILE.read_text())
    assert name_of(neutone.load(f"{path}:Echo")) == "Echo"
    path.write_text(FILE.read_text().replace('model_name="Echo"', 'model_name="Changed"'))
    assert name_of(neutone.load(f"{path}:Echo")) == "Changed"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (f"{FILE}:Nothing", "defines no 'Nothing'"),
        (f"{FILE}:not_a_model", "cannot be made without arguments"),
        (f"{FILE}:NeedsArguments", r"NeedsArguments cannot be made without arguments.*'size'"),
        (f"{FILE}:FILE_without", "defines no"),
        ("no_such_module_anywhere:Echo", "cannot be imported: ModuleNotFoundError"),
        ("json:dumps", "cannot be made without arguments"),
        ("collections:OrderedDict", "is a OrderedDict, expected a WaveformToWaveformBase"),
    ],
)
def test_names_of_something_else(name: str, words: str) -> None:
    with pytest.raises(ModelFileError, match=words):
        neutone.load(name)


def test_code_that_fails(tmp_path: Path) -> None:
    path = tmp_path / "fails.py"
    path.write_text("raise ValueError('on purpose')")
    with pytest.raises(ModelFileError, match=r"fails.py cannot be run: ValueError: on purpose"):
        neutone.load(f"{path}:Echo")


@pytest.mark.parametrize("given", [5, None, object(), torch.nn.Identity()])
def test_no_model(given: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"is not a model, expected a WaveformToWaveformBase or a name"):
        neutone.load(given)


def test_a_name_without_a_class() -> None:
    with pytest.raises(ConfigurationError, match="names no class"):
        neutone.load("my_model.py", backend="python")
    with pytest.raises(UnknownPluginError):
        neutone.load("my_model.py")


def test_a_file_whose_name_looks_like_one_is_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("odd.onnx:name").write_bytes(b"")
    with pytest.raises(UnknownPluginError, match=r"suffix is '.onnx:name'"):
        neutone.load("odd.onnx:name")


def test_checkpoint(tmp_path: Path) -> None:
    half = wrappers.Echo()
    torch.nn.init.constant_(half.model.weight, 0.5)
    audio = noise(1, 512)
    expected = neutone.render(neutone.load(half), audio, 48_000)
    for state in (half.state_dict(), half.model.state_dict(), {"state_dict": half.state_dict(), "epoch": 3}):
        torch.save(state, tmp_path / "weights.pt")
        model = neutone.load(f"{FILE}:Echo", checkpoint=tmp_path / "weights.pt")
        np.testing.assert_array_equal(neutone.render(model, audio, 48_000), expected)
    assert not np.allclose(neutone.render(neutone.load(f"{FILE}:Echo"), audio, 48_000), expected)


def test_wrong_checkpoints(tmp_path: Path) -> None:
    path = tmp_path / "weights.pt"
    for content, words in (
        ({"bias": torch.zeros(1)}, "does not fit Echo"),
        ([1], "holds a list"),
        ({}, "holds a dict"),
    ):
        torch.save(content, path)
        with pytest.raises(ModelFileError, match=words):
            neutone.load(f"{FILE}:Echo", checkpoint=path)
    path.write_bytes(b"garbage")
    with pytest.raises(ModelFileError, match="not a checkpoint that"):
        neutone.load(f"{FILE}:Echo", checkpoint=path)
    with pytest.raises(FileNotFoundError, match="no checkpoint"):
        neutone.load(f"{FILE}:Echo", checkpoint=tmp_path / "nothing.pt")
    with pytest.raises(ConfigurationError, match="load the weights into the instance"):
        neutone.load(wrappers.Echo(), checkpoint=path)
    with pytest.raises(ConfigurationError, match="threads is 0"):
        neutone.load(wrappers.Echo(), threads=0)


# -- how it runs -------------------------------------------------------------------------------------------------------


def test_an_instance_is_copied() -> None:
    instance = wrappers.Echo()
    model = neutone.load(instance)
    audio = noise(1, 1024)
    before = neutone.render(model, audio, 48_000)
    torch.nn.init.zeros_(instance.model.weight)
    np.testing.assert_array_equal(neutone.render(model, audio, 48_000), before)
    assert not instance.past.any()


def test_what_is_answered() -> None:
    audio = noise(1, 4000)
    found = neutone.render(neutone.load(wrappers.Echo()), audio, 48_000, params={"level": 0.25, "gain": 2.0})
    late = np.pad(audio, ((0, 0), (16, 0)))[:, :4000]
    np.testing.assert_allclose(found, 2.0 * (audio + 0.25 * late), atol=1e-6)


def test_look_behind_and_delay() -> None:
    model = neutone.load(wrappers.Blocks())
    assert model.model_delay == 8
    assert (model.input_channels, model.output_channels) == (2, 1)
    audio = noise(2, 4000)
    found = neutone.render(model, audio, 44_100)
    ahead = np.pad(audio[1], (0, 8))[8:]
    np.testing.assert_allclose(found[0], audio[0] + 0.1 * ahead, atol=1e-6)


def test_a_model_that_fails_becomes_silence_and_says_so() -> None:
    engine = neutone.Engine(neutone.load(wrappers.Broken()), 48_000, 64, 1)
    with pytest.raises(InferenceError, match=r"do_forward_pass\(\) returned shape \(1, 63\), expected \(1, 64\)"):
        engine.process(noise(1, 64))
    assert engine.stats.failed_blocks == 1


def test_a_model_that_fails_without_debug_mode() -> None:
    broken = wrappers.Broken()
    broken.prepare_for_inference()
    engine = neutone.Engine(neutone.load(broken), 48_000, 64, 1)
    with pytest.raises(InferenceError, match=r"returns \(1, 63\), expected \(1, 64\)"):
        engine.process(noise(1, 64))


def test_what_cannot_be_copied() -> None:
    model = wrappers.Echo()
    model.register_buffer("history", torch.ones(1, requires_grad=True) * 2.0, persistent=False)
    with pytest.raises(ModelFileError, match="Echo cannot be copied for a session"):
        neutone.load(model)


def test_the_backend_is_listed_without_torch() -> None:
    code = (
        "import sys; from neutone.plugins import backends; print(backends.get('python').name, 'torch' in sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert result.stdout == "python False\n", result.stderr
