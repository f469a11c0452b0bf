"""Run neutone's conformance tests on this backend."""

from __future__ import annotations

from pathlib import Path

import pytest
from neutone_biquad import BiquadBackend

from neutone.errors import ModelFileError
from neutone.testing import BackendContract

EXAMPLE = Path(__file__).parents[1] / "telephone.biquad"


class TestBiquadContract(BackendContract):
    backend = BiquadBackend

    @pytest.fixture
    def model_file(self) -> Path:
        return EXAMPLE


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ("name = 'x'", "section"),
        ("section = 1", "TypeError"),
        ("name = 'x'\nsample_rate = 48000\nsection = [{ b = [1, 0], a = [1, 0, 0] }]", "three"),
        ("name = 'x'\nsample_rate = 48000\nsection = [{ b = [1, 0, 0], a = [1, -2, 1] }]", "unit circle"),
        ("name = 'x'\nsample_rate = 1\nsection = [{ b = [1, 0, 0], a = [1, 0, 0] }]", "native_sample_rates"),
    ],
)
def test_wrong_files_say_what_is_wrong(tmp_path: Path, wrong: str, complaint: str) -> None:
    path = tmp_path / "wrong.biquad"
    path.write_text(wrong)
    with pytest.raises(ModelFileError, match=complaint):
        BiquadBackend().load(path)
