"""A reset gives buffers that blocks change, and that the author's code leaves, their initial values back."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import neutone
from neutone.sdk import ModelMetadata, WaveformToWaveformBase, export_onnx, script
from support.saving import results, save
from support.scripted_forms import FORMS, in_every_form, reloaded


class Memory(nn.Module):
    """Holds one buffer that it replaces and one that it changes in place."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("past", torch.full((2, 3), 0.5))
        self.register_buffer("blocks", torch.zeros(1))
        self.register_buffer("weight", torch.full((2, 1), 0.5))

    def forward(self, x: Tensor) -> Tensor:
        self.blocks += 1.0
        window = torch.cat([self.past, x], dim=1)
        self.past = window[:, -3:]
        return window[:, : x.size(1)] * self.weight


class NoReset(WaveformToWaveformBase):
    """Keeps state in itself and in nested modules, beside weights and a buffer that depends on the sample rate."""

    metadata = ModelMetadata(model_name="No reset", native_sample_rates=[44_100, 48_000])

    def __init__(self, network: nn.Module | None = None) -> None:
        super().__init__(network or nn.Sequential(Memory(), nn.Identity(), Memory()))
        self.register_buffer("top", torch.zeros(2, 1))
        self.register_buffer("rate", torch.zeros(1))

    def set_model_sample_rate_and_buffer_size(self, sample_rate: int, n_samples: int) -> bool:
        self.rate[0] = sample_rate / 48_000.0
        return True

    def do_forward_pass(self, x: Tensor, params: dict[str, Tensor]) -> Tensor:
        y = self.model(x) + self.top + 0.01 * self.rate
        self.top = x[:, -1:].clone()
        return y


BLOCK = 16
NOISE = torch.rand(2, 4 * BLOCK, generator=torch.Generator().manual_seed(0)) - 0.5


def play(model: Any) -> Tensor:
    with torch.no_grad():
        return torch.cat([model(x.clone()).clone() for x in NOISE.split(BLOCK, 1)], 1)


@in_every_form
@pytest.mark.parametrize("rate", [44_100, 48_000])
def test_a_reset_restores_the_state_and_nothing_else(rate: int, form: Callable[[nn.Module], Any]) -> None:
    model = form(NoReset())
    model.set_sample_rate_and_buffer_size(rate, BLOCK)
    first = play(model)
    assert not torch.allclose(play(model), first)
    kept = first.clone()
    assert not model.reset()  # the author's reset_model has not done it
    torch.testing.assert_close(play(model), kept)
    buffers = dict(model.named_buffers())
    assert buffers["rate"].item() == pytest.approx(rate / 48_000)
    assert torch.equal(first, kept)  # a reset writes to nothing that was returned


@in_every_form
def test_the_rate_may_change_after_audio(form: Callable[[nn.Module], Any]) -> None:
    model, fresh = form(NoReset()), form(NoReset())
    model.set_sample_rate_and_buffer_size(44_100, BLOCK)
    play(model)
    for wrapper in (model, fresh):
        wrapper.set_sample_rate_and_buffer_size(48_000, BLOCK)
        wrapper.reset()
    torch.testing.assert_close(play(model), play(fresh))


def test_weights_that_are_loaded_after_audio_stay() -> None:
    model = NoReset()
    play(model)
    model.model.load_state_dict({name: tensor + 0.25 for name, tensor in model.model.state_dict().items()})
    model.reset()
    buffers = dict(model.named_buffers())
    assert buffers["model.0.weight"].unique().tolist() == [0.75]
    assert buffers["model.0.past"].unique().tolist() == [0.5]
    assert buffers["model.2.blocks"].item() == 0.0


def test_a_model_that_has_played_is_saved_in_its_initial_state(tmp_path: Path) -> None:
    expected = play(NoReset())
    model = NoReset()
    play(model)
    save(model, tmp_path, dump_samples=True, submission=True)
    with neutone.Engine(neutone.load(tmp_path / "model.nm"), 48_000, BLOCK, 2) as engine:
        answers = [engine.process(x.numpy()).copy() for x in NOISE.split(BLOCK, 1)]
    np.testing.assert_allclose(np.concatenate(answers, 1), expected + 0.01, atol=1e-6)


class Sized(WaveformToWaveformBase):
    """Makes its state when it is told its block size. The constructor's has another shape."""

    metadata = ModelMetadata(model_name="Sized", native_buffer_sizes=[BLOCK, 2 * BLOCK])

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("past", torch.zeros(2, 1))

    def set_model_sample_rate_and_buffer_size(self, sample_rate: int, n_samples: int) -> bool:
        self.past = torch.full((2, n_samples), 0.25)
        return True

    def do_forward_pass(self, x: Tensor, params: dict[str, Tensor]) -> Tensor:
        y = self.past + x
        self.past = x.clone()
        return y


@in_every_form
def test_state_of_the_size_of_a_block(form: Callable[[nn.Module], Any]) -> None:
    model = form(Sized())
    for size in (BLOCK, 2 * BLOCK, BLOCK):
        model.set_sample_rate_and_buffer_size(48_000, size)
        for _ in range(2):
            model.reset()
            with torch.no_grad():
                torch.testing.assert_close(model(torch.ones(2, size)), torch.full((2, size), 1.25))
                torch.testing.assert_close(model(torch.ones(2, size)), torch.full((2, size), 2.0))


@in_every_form
@pytest.mark.parametrize("network", [script, reloaded])
def test_networks_that_are_compiled_already(
    network: Callable[[nn.Module], Any], form: Callable[[nn.Module], Any]
) -> None:
    model = form(NoReset(network(nn.Sequential(Memory(), Memory()))))
    model.set_sample_rate_and_buffer_size(48_000, BLOCK)
    first = play(model)
    model.reset()
    torch.testing.assert_close(play(model), first)


class PartlyReset(NoReset):
    """Resets one of its modules, to a value of its own, and says that all is done."""

    def reset_model(self) -> bool:
        self.model[0].past.fill_(0.125)
        return True


@in_every_form
def test_what_the_author_resets_is_left_to_the_author(form: Callable[[nn.Module], Any]) -> None:
    model = form(PartlyReset())
    model.set_sample_rate_and_buffer_size(48_000, BLOCK)
    play(model)
    assert model.reset()
    buffers = dict(model.named_buffers())
    assert buffers["model.0.past"].unique().tolist() == [0.125]
    assert buffers["model.2.past"].unique().tolist() == [0.5]
    assert buffers["model.0.blocks"].item() == buffers["model.2.blocks"].item() == 0.0


class Growing(NoReset):
    """Keeps state whose shape changes with the first block."""

    def do_forward_pass(self, x: Tensor, params: dict[str, Tensor]) -> Tensor:
        y = x + self.top[:, :1]
        self.top = y.clone()
        return y


@in_every_form
def test_state_whose_shape_changes(form: Callable[[nn.Module], Any]) -> None:
    model = form(Growing())
    first = play(model)
    model.reset()
    if form is FORMS["eager"]:  # a compiled model cannot replace it
        torch.testing.assert_close(play(model), first)


def test_one_trial_serves_all_copies_of_a_model() -> None:
    blocks: list[int] = []

    class Counting(NoReset):
        def do_forward_pass(self, x: Tensor, params: dict[str, Tensor]) -> Tensor:
            blocks.append(x.size(1))
            return super().do_forward_pass(x, params)

    model = Counting()
    for wrapper in (copy.deepcopy(model), copy.deepcopy(model), model):
        wrapper.prepare_for_inference()
        assert len(blocks) == 3
    play(model)
    model.reset()
    assert len(blocks) == 3 + 4


@pytest.mark.parametrize("options", [{}, {"freeze": True}, {"optimize": True}], ids=str)
def test_submissions_need_no_reset_model(options: dict[str, bool], tmp_path: Path) -> None:
    report = save(NoReset(), tmp_path, dump_samples=True, submission=True, **options)
    assert results(report)["reset"]


@pytest.mark.long
def test_onnx_files_reset_alike(tmp_path: Path) -> None:
    expected = play(NoReset())
    model = NoReset()
    play(model)
    export_onnx(model, tmp_path / "model.onnx")
    with neutone.Engine(neutone.load(tmp_path / "model.onnx"), 44_100, BLOCK, 2) as engine:
        for _ in range(2):
            answers = [engine.process(x.numpy()).copy() for x in NOISE.split(BLOCK, 1)]
            np.testing.assert_allclose(np.concatenate(answers, 1), expected + 0.01 * 44.1 / 48, atol=1e-6)
            engine.reset()
