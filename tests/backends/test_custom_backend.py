"""Third-party backends: the example, installed and used as a third party's would be, and what goes wrong with
others."""

from __future__ import annotations

import importlib
import json
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import neutone
from neutone.errors import NeutoneError, PluginWarning, UnknownPluginError
from neutone.plugins import Backend, Registry, backends
from support.plugin_installation import install_example, on_path, run, run_own_tests, write_distribution

pytestmark = pytest.mark.long

GOOD = """
from neutone.plugins import Backend
print("imported", __name__)

class Good(Backend):
    name = "good"
    suffixes = (".good",)

    def load(self, path, **options):
        raise FileNotFoundError(path)
"""


# -- the example ---------------------------------------------------------------------------------------------------

SECTIONS = [([0.2, 0.3, 0.1], [1.0, -0.6, 0.2]), ([1.0, -0.9, 0.3], [1.0, 0.5, 0.4])]

PLAY = """
import json, sys
import numpy as np
import neutone
model = neutone.load(sys.argv[1])
audio = (np.random.default_rng(5).random((2, 1024)) - 0.5).astype(np.float32)
mix = np.linspace(0, 1, 1024, dtype=np.float32)[np.newaxis]
engine = neutone.Engine(model, sample_rate=48_000, block_size=100, channels=2, fixed_blocks=False)
sizes = [100, 1, 37, 100, 62, 100, 99, 100, 100, 100, 100, 100, 25]
stops = np.cumsum(sizes)
out = [engine.process(audio[:, i - n : i], params=mix[:, i - n : i]) for i, n in zip(stops, sizes)]
half = neutone.render(model, audio[:1], 48_000, params={"mix": 0.5})
print(json.dumps({
    "backend": type(model).__module__, "latency": engine.latency.total, "audio": audio.tolist(),
    "curve": np.concatenate(out, axis=1).tolist(), "half": half.tolist(),
    "resampled": neutone.Engine(model, 44_100, 64).latency.resampling,
}))
"""


@pytest.fixture(scope="module")
def biquad(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """(site, source)"""
    return install_example("custom_backend", tmp_path_factory.mktemp("biquad"))


def difference_equation(samples: list[float]) -> list[float]:
    """y[n] = b0 x[n] + b1 x[n-1] + b2 x[n-2] - a1 y[n-1] - a2 y[n-2], section after section."""
    for b, a in SECTIONS:
        out: list[float] = []
        for n in range(len(samples)):
            y = sum(b[k] * samples[n - k] for k in range(3) if n >= k)
            out.append(y - sum(a[k] * out[n - k] for k in (1, 2) if n >= k))
        samples = out
    return samples


def test_example_plays_what_its_file_says(biquad: tuple[Path, Path], tmp_path: Path) -> None:
    path = tmp_path / "two.biquad"
    sections = "".join(f"[[section]]\nb = {b}\na = {a}\n" for b, a in SECTIONS)
    path.write_text(f'name = "two"\nsample_rate = 48000\n{sections}')
    answer = json.loads(run(["-W", "error", "-c", PLAY, str(path)], [biquad[0]]))
    assert answer["backend"] == "neutone_biquad"
    assert answer["latency"] == 0
    assert answer["resampled"] > 0
    for channel, played in zip(answer["audio"], answer["curve"], strict=True):
        filtered = difference_equation(channel)
        for n, (dry, wet, out) in enumerate(zip(channel, filtered, played, strict=True)):
            assert out == pytest.approx(dry + n / 1023 * (wet - dry), abs=1e-6)
    (mono,) = answer["half"]
    dry = answer["audio"][0]
    expected = [(d + w) / 2 for d, w in zip(dry, difference_equation(dry), strict=True)]
    assert mono == pytest.approx(expected, abs=1e-6)


def test_example_passes_its_own_tests(biquad: tuple[Path, Path]) -> None:
    site, source = biquad
    printed = run_own_tests(source, site)
    assert "passed" in printed
    assert "failed" not in printed


def test_example_stays_small(biquad: tuple[Path, Path]) -> None:
    code = (biquad[1] / "src" / "neutone_biquad.py").read_text()
    assert sum(bool(line.strip()) for line in code.splitlines()) < 100


# -- other installed backends ----------------------------------------------------------------------------------------


@pytest.fixture
def install(tmp_path: Path) -> Iterator[Callable[..., None]]:
    """Return a function that installs fake distributions: ``install("name", {"plug-in": "module:Class"}, module="its
    code")``."""

    def make(name: str, plugins: dict[str, str], **modules: str) -> None:
        write_distribution(tmp_path, name, plugins)
        for module, code in modules.items():
            (tmp_path / f"{module}.py").write_text(code)
        importlib.invalidate_caches()
        backends.refresh()

    with on_path(tmp_path):
        yield make


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("import a_runtime_that_nobody_has", "ModuleNotFoundError: No module named 'a_runtime_that_nobody_has'"),
        ("raise OSError('no such library')", "OSError: no such library"),
        ("def Broken(): pass", "TypeError: nt_broken:Broken is not a subclass of neutone.plugins.Backend"),
        ("Other = 1", "AttributeError"),
        ("class Broken(", "SyntaxError"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        (
            "from neutone.plugins import Backend\n"
            "class Broken(Backend):\n    name = 'b'\n    def load(self, path, **options): ...",
            "suffixes is None",
        ),
    ],
)
def test_broken_plugin_hides_no_other(install: Callable[..., None], tmp_path: Path, code: str, reason: str) -> None:
    install("broken-things", {"broken": "nt_broken:Broken"}, nt_broken=code)
    install("good-things", {"good": "nt_good:Good"}, nt_good=GOOD)
    with pytest.warns(PluginWarning) as caught:
        usable = dict(backends.all())
    assert len(caught) == 1
    assert all(part in str(caught[0].message) for part in ("'broken'", "broken-things", reason))
    assert "broken" not in usable
    assert {"good", "onnx"} <= set(usable)
    with pytest.raises(FileNotFoundError):  # the good plug-in's load is reached, without a second warning
        neutone.load(tmp_path / "x.good")
    with pytest.raises(UnknownPluginError, match=r"'broken'.* is broken") as error:
        backends.get("broken")
    assert reason in str(error.value)
    assert isinstance(error.value, NeutoneError)
    lines = {line.name: line for line in backends.describe()}
    assert reason in str(lines["broken"].error)
    assert (lines["good"].distribution, lines["good"].version, lines["good"].error) == ("good-things", "1.0", None)


def test_two_of_the_same_name(install: Callable[..., None]) -> None:
    install("first-things", {"twice": "nt_first:Good"}, nt_first=GOOD)
    install("second-things", {"twice": "nt_second:Good"}, nt_second=GOOD)
    with pytest.warns(PluginWarning, match="'twice'") as caught:
        assert backends.names().count("twice") == 1
    message = str(caught[0].message)
    assert "first-things" in message
    assert "second-things" in message
    used = message.split(", which is used")[0].rsplit(": ", 1)[1]
    assert f"{backends.get('twice').__module__}:Good of " in used


def test_one_distribution_on_two_paths_is_no_conflict(tmp_path: Path) -> None:
    for site in (tmp_path / "a", tmp_path / "b"):
        write_distribution(site, "same-things", {"same": "nt_same:Good"})
    with on_path(tmp_path / "a", tmp_path / "b"), warnings.catch_warnings():
        warnings.simplefilter("error")
        assert "same" in backends.names()


def test_unknown_name_says_what_there_is(install: Callable[..., None]) -> None:
    install("good-things", {"good": "nt_good:Good"}, nt_good=GOOD)
    with pytest.raises(UnknownPluginError, match="no plug-in 'nothing'") as error:
        backends.get("nothing")
    assert "installed: " in str(error.value)
    assert all(name in str(error.value) for name in backends.names())
    assert isinstance(error.value, LookupError)


@pytest.mark.parametrize(("name", "extra"), [("onnx", "onnxruntime>=1.18"), ("torchscript", "torch>=2.4")])
def test_unknown_name_says_which_extra_brings_it(name: str, extra: str) -> None:
    empty: Registry[Backend] = Registry("neutone.backends.of.nobody", Backend)  # type: ignore[type-abstract]
    with pytest.raises(UnknownPluginError) as error:
        empty.get(name)
    assert f'installed: none; install it with: pip install "{extra}"' in str(error.value)


def test_suffix_that_nobody_takes(install: Callable[..., None]) -> None:
    install("good-things", {"good": "nt_good:Good"}, nt_good=GOOD)
    with pytest.raises(UnknownPluginError, match=r"suffix is '\.mp4'") as error:
        neutone.load("film.mp4")
    assert ".good" in str(error.value)
    assert ".onnx" in str(error.value)


def test_listing_imports_nothing(install: Callable[..., None]) -> None:
    install("good-things", {"good": "nt_good:Good"}, nt_good=GOOD)
    assert "good" in backends.names()
    assert "nt_good" not in sys.modules
    backends.get("good")
    assert "nt_good" in sys.modules


def test_found_once_and_imported_once(
    install: Callable[..., None], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    install("good-things", {"good": "nt_good:Good"}, nt_good=GOOD)
    first = backends.get("good")
    write_distribution(tmp_path, "later-things", {"later": "nt_good:Good"})
    importlib.invalidate_caches()
    assert "later" not in backends.names()
    assert backends.get("good") is first
    assert capsys.readouterr().out == "imported nt_good\n"
    backends.refresh()
    assert {"good", "later"} <= set(backends.names())
