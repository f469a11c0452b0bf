"""Exporters: neutone's own and a third party's, through the contract and the command line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from neutone.errors import ConfigurationError
from neutone.plugins import CheckResult, Exporter, exporters
from neutone.testing import ExporterContract
from support.command_line import assert_one_line, call
from support.plugin_installation import run, write_distribution

pytest.importorskip("torch")
pytest.importorskip("onnxscript")
from support.wrappers_by_name import Echo

pytestmark = pytest.mark.long

WRAPPERS = Path(__file__).parents[1] / "support" / "wrappers_by_name.py"

THIRD_PARTY = """
import numpy as np
from neutone.plugins import CheckResult, Exporter, ExportReport, refuse_unknown_options

class WeightsExporter(Exporter):
    name = "weights"
    requires = ("numpy",)
    extra = "nt-weights[runtime]"
    suffix = ".npz"
    options = ("scale", "samples")

    def export(self, model, path, **options):
        refuse_unknown_options(self.name, options, self.options, "exporter")
        arrays = {name: options.get("scale", 1.0) * tensor.numpy() for name, tensor in model.state_dict().items()}
        np.savez(path, **arrays)
        check = CheckResult("written", True, f"{len(arrays)} arrays, samples: {options.get('samples')}")
        return ExportReport(path, model.to_metadata(), (check,), summary="weights alone")
"""


class OwnExporter(ExporterContract):
    @pytest.fixture
    def wrapper(self) -> Echo:
        return Echo()


class TestNmExporter(OwnExporter):
    exporter = exporters.get("nm")


class TestOnnxExporter(OwnExporter):
    exporter = exporters.get("onnx")


def change(third_party: Path, before: str, after: str) -> None:
    """Change the exporter's source."""
    source = (third_party / "nt_weights.py").read_text()
    assert before in source
    (third_party / "nt_weights.py").write_text(source.replace(before, after))


@pytest.fixture
def third_party(tmp_path: Path) -> Path:
    """A folder with an installed exporter, to put on the path."""
    site = tmp_path / "site"
    site.mkdir()
    (site / "nt_weights.py").write_text(THIRD_PARTY)
    write_distribution(site, "nt-weights", {"weights": "nt_weights:WeightsExporter"}, "neutone.exporters")
    return site


def test_a_third_party_exporter_on_the_command_line(third_party: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    arguments = ["export", f"{WRAPPERS}:Echo", str(out), "--format", "weights,onnx", "--option", "scale=2"]
    printed = run(["-m", "neutone.cli", *arguments, "--samples"], [third_party])
    assert "weights alone" in printed
    assert "samples: True" in printed  # a flag of the command line reaches the exporters that list it
    assert sorted(path.name for path in out.iterdir()) == ["model.npz", "model.onnx"]
    assert np.load(out / "model.npz")["model.weight"] == pytest.approx(2.0)


def test_an_option_that_no_exporter_knows(third_party: Path, tmp_path: Path) -> None:
    arguments = ["export", f"{WRAPPERS}:Echo", str(tmp_path / "out"), "--format", "weights", "--option", "colour=red"]
    with pytest.raises(AssertionError, match="--option names 'colour'"):
        run(["-m", "neutone.cli", *arguments], [third_party])
    assert not (tmp_path / "out").exists()


def test_a_flag_that_no_exporter_knows(tmp_path: Path) -> None:
    result = call("export", f"{WRAPPERS}:Echo", tmp_path / "out", "--format", "onnx", "--freeze")
    assert_one_line(result, "--freeze is given, but onnx cannot do it")
    assert not (tmp_path / "out").exists()


def test_a_format_that_fails_leaves_no_folder_and_the_next_one_is_written(third_party: Path, tmp_path: Path) -> None:
    change(third_party, "arrays = {", "[][0]; arrays = {")
    arguments = ["-m", "neutone.cli", "export", f"{WRAPPERS}:Echo"]
    reason = "the exporter 'weights' failed: IndexError: list index out of range"
    with pytest.raises(AssertionError, match=reason):
        run([*arguments, str(tmp_path / "deep" / "alone"), "--format", "weights"], [third_party])
    assert not (tmp_path / "deep").exists()
    with pytest.raises(AssertionError, match=reason):
        run([*arguments, str(tmp_path / "both"), "--format", "weights,onnx"], [third_party])
    assert [path.name for path in (tmp_path / "both").iterdir()] == ["model.onnx"]


def test_plugins_says_what_a_plugin_needs(third_party: Path) -> None:
    change(third_party, REQUIRES, 'requires = ("numpy", "a_runtime_that_nobody_has")')
    lines = json.loads(run(["-m", "neutone.cli", "plugins", "--json"], [third_party]))
    line = next(line for line in lines if line["name"] == "weights")
    assert line["group"] == "neutone.exporters"
    assert line["suffixes"] == [".npz"]
    assert line["error"] is None
    assert line["missing"] == ["a_runtime_that_nobody_has"]
    assert line["extra"] == "nt-weights[runtime]"
    shown = run(["-m", "neutone.cli", "plugins"], [third_party])
    assert "needs" in shown


def test_a_suffix_without_a_dot_is_a_broken_plugin(third_party: Path) -> None:
    change(third_party, 'suffix = ".npz"', 'suffix = "npz"')
    lines = json.loads(run(["-m", "neutone.cli", "plugins", "--json"], [third_party]))
    line = next(line for line in lines if line["name"] == "weights")
    assert "suffix is 'npz'" in line["error"]


def test_exporters_are_listed_without_their_runtimes() -> None:
    program = "import sys, neutone.plugins as p; list(p.exporters.all()); print({'torch', 'onnx'} & set(sys.modules))"
    assert run(["-c", program], []).strip() == "set()"


def test_what_is_no_exporter(tmp_path: Path) -> None:
    (tmp_path / "nt_other.py").write_text("class Other: pass")
    write_distribution(tmp_path, "nt-other", {"other": "nt_other:Other"}, "neutone.exporters")
    lines = json.loads(run(["-m", "neutone.cli", "plugins", "--json"], [tmp_path]))
    line = next(line for line in lines if line["name"] == "other")
    assert "not a subclass of neutone.plugins.Exporter" in line["error"]
    assert issubclass(exporters.get("nm"), Exporter)


REQUIRES = 'requires = ("numpy",)'


@pytest.mark.parametrize(
    ("before", "after", "formats", "words"),
    [
        ("np.savez(path", "(lambda *a, **k: 0)(path", "weights", "returned no report of a file"),
        ("        return ExportReport", "        ExportReport", "weights", "returned no report of a file"),
        ('suffix = ".npz"', 'suffix = ".onnx"', "nm,weights,onnx", "2 of them write model.onnx"),
        ("arrays = {", "raise SystemExit(0); arrays = {", "weights", "ended the program"),
    ],
)
def test_an_exporter_that_does_not_keep_its_promise(
    third_party: Path, tmp_path: Path, before: str, after: str, formats: str, words: str
) -> None:
    change(third_party, before, after)
    with pytest.raises(AssertionError, match=words):
        run(
            ["-m", "neutone.cli", "export", f"{WRAPPERS}:Echo", str(tmp_path / "out"), "--format", formats],
            [third_party],
        )


def test_an_exporter_whose_packages_are_missing(third_party: Path, tmp_path: Path) -> None:
    change(third_party, REQUIRES, 'requires = ("numpy", "a_runtime_that_nobody_has")')
    with pytest.raises(AssertionError, match=r"needs a_runtime_that_nobody_has: pip install \"nt-weights"):
        run(["-m", "neutone.cli", "export", f"{WRAPPERS}:Echo", str(tmp_path), "--format", "weights"], [third_party])


@pytest.mark.parametrize("requires", ['"numpy"', "None", '("numpy.random",)', '("",)'])
def test_requires_that_are_no_packages_are_a_broken_plugin(third_party: Path, requires: str) -> None:
    change(third_party, REQUIRES, f"requires = {requires}")
    lines = json.loads(run(["-m", "neutone.cli", "plugins", "--json"], [third_party]))
    assert "expected a tuple of packages" in next(line for line in lines if line["name"] == "weights")["error"]
    assert all(line["error"] is None for line in lines if line["name"] != "weights")


def test_a_difference_of_numpy_numbers_is_a_check_that_failed() -> None:
    assert CheckResult("same", np.float32(1.0) < np.float32(0.5), "").failed
    with pytest.raises(TypeError, match="passed is 'yes'"):
        CheckResult("same", "yes", "")  # type: ignore[arg-type]


def test_nm_takes_booleans_and_its_suffix(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="samples is 'no', expected True or False"):
        exporters.get("nm")().export(Echo(), tmp_path / "model.nm", samples="no")
    with pytest.raises(ConfigurationError, match=r"does not end in \.nm"):
        exporters.get("nm")().export(Echo(), tmp_path / "model.bin")
