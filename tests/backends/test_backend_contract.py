"""The backend contract passes a correct backend, and fails each faulty one by the test that matches its fault."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

BACKEND = '''
import json
from pathlib import Path

import numpy as np

from neutone import ModelMetadata
from neutone.errors import ModelFileError
from neutone.parameters import ContinuousNeutoneParameter
from neutone.plugins import Backend, Model, Session, refuse_unknown_options

LATE = 8


class TinySession(Session):
    """A gain, and a delay of eight frames."""

    def __init__(self, block_size):
        self.allocate(input_channels=1, output_channels=1, parameters=1, block_size=block_size)
        self.reset()

    def run(self, frames):
        audio = np.concatenate([self.past, self.audio_in[0, :frames]])
        gain = self.params[0, :frames]
        self.audio_out[0, :frames] = audio[:frames] * gain
        self.past = audio[frames:].copy()

    def reset(self):
        self.past = np.zeros(LATE, np.float32)


class TinyModel(Model):
    model_delay = LATE

    def __init__(self, name):
        self.metadata = ModelMetadata(
            model_name=name,
            native_sample_rates=[48_000],
            is_input_mono=True,
            is_output_mono=True,
            neutone_parameters={"p1": ContinuousNeutoneParameter("gain", "", 0.5)},
        )

    def prepare(self, sample_rate, block_size):
        return TinySession(block_size)


class TinyBackend(Backend):
    name = "tiny"
    suffixes = (".tiny",)

    def load(self, path, **options):
        refuse_unknown_options(self.name, options, ())
        try:
            return TinyModel(json.loads(Path(path).read_text())["name"])
        except ValueError as error:
            raise ModelFileError(f"{path} is no tiny model: {error}") from error
'''

TESTS = """
import pytest
from tiny import TinyBackend

from neutone.testing import BackendContract


class TestTiny(BackendContract):
    backend = TinyBackend

    @pytest.fixture
    def model_file(self, tmp_path):
        path = tmp_path / "model.tiny"
        path.write_text('{"name": "tiny"}')
        return path
"""

GAIN = "gain = self.params[0, :frames]"
SABOTAGES = {
    "wrong delay": ("model_delay = LATE", "model_delay = 2 * LATE", "test_delay_is_as_reported"),
    "idle knob": (GAIN, "gain = 0.5", "test_every_parameter_does_something"),
    "first value only": (GAIN, "gain = self.params[0, 0]", "test_parameters_change_within_a_block"),
    "heavy import": ("import json\n", "import json\nimport jax\n", "test_import_is_light"),
}
OPT_OUTS = {
    "wrong delay": "measurable_delay = False",
    "idle knob": 'idle_parameters = ("gain",)',
    "first value only": 'held_parameters = ("gain",)',
}


def replaced(text: str, old: str, new: str) -> str:
    assert text.count(old) == 1
    return text.replace(old, new)


def failures(folder: Path, backend: str, tests: str = TESTS) -> tuple[int, set[str]]:
    """Run the contract on a backend's source, and return how many tests passed and the names of those that failed."""
    (folder / "tiny.py").write_text(backend)
    (folder / "jax.py").write_text("")  # stands in for a package that may not be installed here
    (folder / "test_tiny.py").write_text(tests)
    command = [sys.executable, "-m", "pytest", "-q", "-rA", "--tb=short", "-p", "no:cacheprovider", "test_tiny.py"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    found: dict[str, set[str]] = {"PASSED": set(), "FAILED": set()}
    for line in done.stdout.splitlines():
        outcome, _, test = line.partition(" ")
        if outcome in found:
            found[outcome].add(test.partition(" - ")[0].rpartition("::")[2])
    assert "no tests ran" not in done.stdout
    assert "ERROR" not in done.stdout, done.stdout
    return len(found["PASSED"]), found["FAILED"]


def test_a_correct_backend_passes(tmp_path: Path) -> None:
    passed, failed = failures(tmp_path, BACKEND)
    assert not failed
    assert passed >= 16


@pytest.mark.parametrize("fault", SABOTAGES)
def test_a_fault_fails_its_own_test_only(fault: str, tmp_path: Path) -> None:
    old, new, test = SABOTAGES[fault]
    passed, failed = failures(tmp_path, replaced(BACKEND, old, new))
    assert failed == {test}
    assert passed >= 15


@pytest.mark.parametrize("fault", OPT_OUTS)
def test_opting_out(fault: str, tmp_path: Path) -> None:
    old, new, _ = SABOTAGES[fault]
    tests = replaced(TESTS, "backend = TinyBackend", f"backend = TinyBackend\n    {OPT_OUTS[fault]}")
    _, failed = failures(tmp_path, replaced(BACKEND, old, new), tests)
    assert not failed
