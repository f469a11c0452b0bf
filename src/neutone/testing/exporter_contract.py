"""The conformance tests of exporters."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pytest

from neutone.errors import ConfigurationError
from neutone.plugins.exporter import Exporter, ExportReport

if TYPE_CHECKING:
    from neutone.sdk import WaveformToWaveformBase


class ExporterContract:
    """The conformance tests of an exporter. Subclass it, set :attr:`exporter`, and define a fixture ``wrapper``. It
    needs PyTorch.

    The model may be any that the format can hold and that passes the exporter's own checks.

    Attributes:
        exporter: The exporter class under test.
        options: The keyword arguments of ``export``.
    """

    exporter: ClassVar[type[Exporter]]
    options: ClassVar[dict[str, Any]] = {}

    @pytest.fixture
    def wrapper(self) -> WaveformToWaveformBase:
        """A wrapped model to export. Override this fixture."""
        raise NotImplementedError("override the fixture wrapper")

    def path(self, folder: Path) -> Path:
        """Return the path that the tests export to."""
        return folder / f"exported{self.exporter.suffix}"

    def export(self, wrapper: WaveformToWaveformBase, folder: Path) -> ExportReport:
        """Export the wrapper with :attr:`options` and return the report."""
        return self.exporter().export(wrapper, self.path(folder), **self.options)

    def test_declaration(self) -> None:
        assert self.exporter.name
        assert self.exporter.suffix.startswith(".")
        assert self.exporter.suffix == self.exporter.suffix.lower()
        assert self.exporter.missing() == []

    def test_report(self, wrapper: WaveformToWaveformBase, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        report = self.export(wrapper, tmp_path)
        assert capsys.readouterr() == ("", "")  # printing is up to the caller
        assert report.path == self.path(tmp_path)
        assert report.path.stat().st_size > 0
        assert report.checks
        assert report.failures == []
        assert str(report.path) in str(report)

    def test_files_are_those_that_are_announced(self, wrapper: WaveformToWaveformBase, tmp_path: Path) -> None:
        self.export(wrapper, tmp_path)
        announced = set(self.exporter().written_files(self.path(tmp_path)))
        assert {path for path in tmp_path.rglob("*") if path.is_file()} <= announced

    def test_a_second_export_replaces_the_first(self, wrapper: WaveformToWaveformBase, tmp_path: Path) -> None:
        self.path(tmp_path).write_bytes(b"earlier")
        self.export(wrapper, tmp_path)
        assert self.path(tmp_path).read_bytes() != b"earlier"

    def test_the_model_is_left_as_it_was(self, wrapper: WaveformToWaveformBase, tmp_path: Path) -> None:
        before = {name: tensor.clone() for name, tensor in wrapper.state_dict().items()}
        training, debug = wrapper.training, wrapper.use_debug_mode
        self.export(wrapper, tmp_path)
        assert (wrapper.training, wrapper.use_debug_mode) == (training, debug)
        after = wrapper.state_dict()
        assert before.keys() == after.keys()
        for name, tensor in before.items():
            np.testing.assert_array_equal(after[name].numpy(), tensor.numpy())

    def test_unknown_option(self, wrapper: WaveformToWaveformBase, tmp_path: Path) -> None:
        with pytest.raises(ConfigurationError, match="no_such_option"):
            self.exporter().export(wrapper, self.path(tmp_path), no_such_option=1)
        assert list(tmp_path.iterdir()) == []
