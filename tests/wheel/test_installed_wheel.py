"""Run against the installed wheel, in an environment without torch and away from the sources."""

import importlib.util
import subprocess
import sys
from importlib.metadata import entry_points, files
from pathlib import Path

import numpy as np
import pytest

import neutone
from neutone.errors import MissingExtraError


def test_runs_from_site_packages():
    assert "site-packages" in Path(neutone.__file__).parts
    assert importlib.util.find_spec("torch") is None


@pytest.mark.parametrize(
    "entry", [*entry_points(group="neutone.backends"), *entry_points(group="neutone.hosts")], ids=str
)
def test_every_entry_point_loads(entry):
    assert entry.load().name == entry.name


def test_all_plugins_are_there():
    assert {entry.name for entry in entry_points(group="neutone.backends")} >= {"onnx", "torchscript"}
    assert {entry.name for entry in entry_points(group="neutone.hosts")} >= {"callback", "jack", "portaudio"}


def test_wheel_holds_no_sources_of_the_extension():
    names = [str(file) for file in files("neutone") or []]
    sources = (".pyx", ".pxi", ".pxd", ".c", ".cpp", ".hpp", "/callback.h", "/stream.h", "CMakeLists.txt")
    assert not [name for name in names if name.endswith(sources)]
    assert any(name.endswith("py.typed") for name in names)
    assert any("LICENSE" in name for name in names)
    assert any(name.endswith("amp.onnx") for name in names)


@pytest.mark.parametrize("name", ["nt_callback", "nt_gate", "nt_session"])
def test_the_headers_for_c_are_there(name):
    assert name in (Path(neutone.get_include()) / "neutone" / f"{name}.h").read_text()


def test_live_hosts_name_their_packages():
    for host, package in (("jack", "JACK-Client"), ("portaudio", "sounddevice")):
        command = [sys.executable, "-m", "neutone.cli", "live", "amp", "--host", host]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert done.returncode == 2
        assert f'pip install "{package}' in done.stderr, done.stderr


def test_the_default_model_runs_without_the_gil():
    assert neutone.load(neutone.default_model()).prepare(48_000, 64).native is not None


def test_import_is_light():
    loaded = subprocess.run(
        [sys.executable, "-c", "import neutone, sys; print(*sys.modules)"], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"torch", "onnxruntime", "matplotlib", "typer", "soundfile"} & set(loaded)


def test_the_default_model_plays():
    model = neutone.load(neutone.default_model())
    audio = np.random.default_rng(0).uniform(-0.5, 0.5, (2, 4096)).astype(np.float32)
    out = neutone.render(model, audio, 48_000)
    assert np.isfinite(out).all()
    assert np.abs(out).max() > 0.01


def test_torchscript_says_what_to_install(tmp_path):
    path = tmp_path / "model.nm"
    path.write_bytes(b"PK")
    with pytest.raises(MissingExtraError, match=r"pip install .*torch"):
        neutone.load(path)
