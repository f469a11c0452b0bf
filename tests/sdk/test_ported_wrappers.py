"""Wrappers written for neutone_sdk 1.5.2, as ``neutone port`` changes them, play as they do there."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from support.command_line import call
from support.places import PEER_FILES, TESTS
from support.scripted_forms import in_every_form


@pytest.fixture(scope="module", params=["neutone.sdk", "neutone.compat"])
def ported(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    """The peer's models, with only the package name in their import line changed."""
    path = tmp_path_factory.mktemp("ported") / "ported_models.py"
    assert call("port", TESTS / "support" / "peer_models.py", "-o", path).exit_code == 0
    source = path.read_text(encoding="utf-8")
    assert source.count("from neutone.compat import") == 1
    path.write_text(source.replace("from neutone.compat import", f"from {request.param} import"), encoding="utf-8")
    spec = importlib.util.spec_from_file_location("ported_models", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["ported_models"] = module  # TorchScript looks for annotations in this module
    spec.loader.exec_module(module)
    return module


@in_every_form
@pytest.mark.parametrize("name", ["shaper", "lookbehind", "lstm_amp"])
def test_a_ported_wrapper_answers_as_the_peer(name: str, form: Callable[[nn.Module], Any], ported: ModuleType) -> None:
    with np.load(PEER_FILES / f"{name}.npz") as reference:
        rate, size = int(reference["rate"]), int(reference["size"])
        audio, expected = torch.from_numpy(reference["audio"]), torch.from_numpy(reference["expected"])
        params = torch.from_numpy(reference["params"])[:, None].repeat(1, size)
    model = form(ported.MODELS[name]())
    model.set_sample_rate_and_buffer_size(rate, size)
    with torch.no_grad():
        for _ in range(2):  # reset restores the initial state
            model.reset()
            answers = torch.cat([model(block, params) for block in audio.split(size, dim=1)], dim=1)
            torch.testing.assert_close(answers, expected, atol=1e-6, rtol=0)
