"""Exporters: neutone's own and a third party's, through the contract and the command line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from neutone.plugins import Exporter, exporters
from neutone.testing import ExporterContract
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
    requires = ("numpy", "a_runtime_that_nobody_has")
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


@pytest.fixture
def third_party(tmp_path: Path) -> Path:
    """A folder with an installed exporter, for the path."""
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


def test_plugins_says_what_a_plugin_needs(third_party: Path) -> None:
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
    source = (third_party / "nt_weights.py").read_text()
    (third_party / "nt_weights.py").write_text(source.replace('suffix = ".npz"', 'suffix = "npz"'))
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
