"""``.nm`` files as neutone_sdk 1.1 to 1.4 wrote them, and metadata that exceeds the limits of the format."""

from __future__ import annotations

import json
import lzma
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neutone
from neutone import ModelMetadata, errors
from neutone.checks.file import check_file
from neutone.model.check_result import CheckResult
from support.places import TESTS

torch = pytest.importorskip("torch")
nn, Tensor = torch.nn, torch.Tensor

CLIPPERS = sorted((TESTS / "data" / "older_sdks").glob("*.nm.xz"))
"""The same wrapper, exported by the released packages neutone_sdk 1.0.1 to 1.5.0 (with PyTorch 2.13)."""

PADDING = {"name": "", "description": "", "type": "knob", "used": False, "default_value": 0.0}
OLDER: dict[str, Any] = {
    "model_name": "fuzz",
    "neutone_parameters": {
        "p1": {"name": "gain", "description": "", "type": "knob", "used": "True", "default_value": "0.25"},
        "p2": PADDING,
        "p3": PADDING,
        "p4": {**PADDING, "used": "False"},
    },
    "is_input_mono": True,
    "is_output_mono": True,
    "native_sample_rates": [48_000],
    "tags": ["a tag of more than fifteen characters"],
    "model_long_description": "x" * 2000,
}


class Older(nn.Module):
    """A model with the methods of version 1.1: it is told the block size alone, and delays by three frames."""

    def __init__(self) -> None:
        super().__init__()
        self.size = 0
        self.history = torch.zeros(1, 3)

    def forward(self, x: Tensor, params: Tensor) -> Tensor:
        assert x.shape[1] <= self.size, "the block is larger than was said"
        joined = torch.cat([self.history, x * params[0]], 1)
        self.history = joined[:, -3:]
        return joined[:, :-3]

    @torch.jit.export
    def set_buffer_size(self, n: int) -> bool:
        self.size = n
        return True

    @torch.jit.export
    def reset(self) -> bool:
        self.history = torch.zeros(1, 3)
        return True

    @torch.jit.export
    def calc_min_delay_samples(self) -> int:
        return 3


class Wrapper(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.w2w_base = Older()

    def forward(self, x: Tensor, params: Tensor) -> Tensor:
        return self.w2w_base(x, params)


@pytest.fixture
def older(tmp_path: Path) -> Path:
    path = tmp_path / "older.nm"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of TorchScript as a whole
        torch.jit.save(torch.jit.script(Wrapper()), path, _extra_files={"metadata.json": json.dumps(OLDER).encode()})
    return path


def test_a_file_of_version_1_1_plays(older: Path) -> None:
    model = neutone.load(older)
    assert [(p.name, p.default_value) for p in model.metadata.parameters] == [("gain", 0.25)]
    assert model.model_delay == 3
    audio = np.random.default_rng(0).uniform(-1, 1, (1, 5000)).astype(np.float32)
    np.testing.assert_allclose(neutone.render(model, audio, 48_000), 0.25 * audio, atol=1e-7)
    with neutone.Engine(model, 48_000, 64, 1) as engine:
        assert engine.latency.total == 3


def test_validate_lists_what_is_odd(older: Path) -> None:
    (odd,) = [check for check in check_file(older, 0.01) if check.name == "metadata as read"]
    assert odd.passed is None
    for words in (
        "the parameter 'p2' has no name",
        "used and default_value of 'p1' are text",
        "1 tags are longer than 15 characters, the first is 'a tag of more than fifteen characters'",
        "model_long_description has 2000 characters, expected 500 at most",
    ):
        assert words in odd.detail


def test_what_is_read_can_be_written_again() -> None:
    read = ModelMetadata.from_json(json.dumps({**OLDER, "tags": [f"tag {i}" for i in range(20)]}))
    assert read.tags == [f"tag {i}" for i in range(7)]
    assert read.oddities
    assert ModelMetadata(**read.to_json_dict()).to_json_dict() == read.to_json_dict()
    assert not ModelMetadata.from_json(json.dumps(read.to_json_dict())).oddities


@pytest.mark.parametrize("field", ["neutone_parameters", "tags", "model_long_description"])
def test_writing_stays_strict(field: str) -> None:
    with pytest.raises(errors.MetadataError, match=field):
        ModelMetadata(model_name="fuzz", **{field: OLDER[field]})


@pytest.mark.parametrize(
    ("field", "value"), [("default_value", v) for v in ("loud", "nan", [], None, {})] + [("used", "maybe")]
)
def test_what_is_no_number_is_one_error(field: str, value: object) -> None:
    parameters = {"p1": {**PADDING, field: value}}
    with pytest.raises(errors.MetadataError, match=field):
        ModelMetadata.from_json(json.dumps({"model_name": "fuzz", "neutone_parameters": parameters}))


# -- files of released packages ----------------------------------------------------------------------------------------


@pytest.fixture(params=CLIPPERS, ids=[path.name.removesuffix(".nm.xz") for path in CLIPPERS])
def clipper(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / request.param.name.removesuffix(".xz")
    path.write_bytes(lzma.decompress(request.param.read_bytes()))
    return path


def checks_of(path: Path) -> dict[str, CheckResult]:
    return {check.name: check for check in check_file(path, 0.01) if not check.name.endswith("speed")}


def test_there_is_a_file_of_each_generation() -> None:
    assert [path.name for path in CLIPPERS] == [
        f"clipper_{version}.nm.xz" for version in ("1.0.1", "1.1.3", "1.2.1", "1.3.0", "1.4.2", "1.5.0")
    ]


def test_released_packages_files_play(clipper: Path) -> None:
    """The wrapper clips at -min and max, and multiplies by gain."""
    model = neutone.load(clipper)
    audio = np.random.default_rng(0).uniform(-1, 1, (2, 5000)).astype(np.float32)
    out = neutone.render(model, audio, 48_000, params={"min": 0.25, "max": 0.5, "gain": 0.75})
    np.testing.assert_allclose(out, 0.75 * np.clip(audio, -0.25, 0.5), atol=1e-6)
    by_default = neutone.render(model, audio, 48_000)
    np.testing.assert_allclose(by_default, np.clip(audio, -0.15, 0.15), atol=1e-6)


def test_released_packages_files_fail_no_check(clipper: Path) -> None:
    found = checks_of(clipper)
    assert not [check for check in found.values() if check.failed]
    older = "1.5" not in clipper.name
    assert ("metadata as read" in found) == older
    assert (found["metadata"].passed is None) == older
    if older:
        assert "neutone_sdk 1." in found["preserved attributes"].detail
    assert found["block size"].passed


def test_an_output_that_depends_on_the_block_size_is_reported(tmp_path: Path) -> None:
    """The mean of a block depends on where blocks begin."""

    class Mean(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x - x.mean(-1, keepdim=True)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.script(Mean()), tmp_path / "mean.ts")
    found = checks_of(tmp_path / "mean.ts")["block size"]
    assert found.passed is None
    assert "the output depends on it" in found.detail
    assert "block_size=512" in found.detail
    model = neutone.load(tmp_path / "mean.ts", block_size=512)
    with neutone.Engine(model, 44_100, 441, 1) as engine:
        assert engine.model_block_size == 512
