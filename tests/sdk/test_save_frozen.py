"""save_neutone_model with freezing: sound and state do not change, and models that cannot be frozen are refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from neutone.errors import ModelFileError

torch = pytest.importorskip("torch")
nn, Tensor = torch.nn, torch.Tensor

from neutone.sdk import load_neutone_model  # noqa: E402
from support.saving import Clip, Filter, Network, PlainFilter, save  # noqa: E402


@pytest.mark.long
@pytest.mark.parametrize("options", [{"freeze": True}, {"freeze": True, "optimize": True}, {"optimize": True}])
def test_frozen(tmp_path: Path, options: dict[str, bool]) -> None:
    module, _ = load_neutone_model(save(PlainFilter(), tmp_path, **options).path)
    names = [name for name, _ in module.w2w_base.named_parameters()]
    assert names == []  # the weights are constants now
    assert [name for name, _ in module.w2w_base.named_buffers()] == ["last"]


@pytest.mark.long
def test_a_frozen_network_keeps_its_state(tmp_path: Path) -> None:
    report = save(Filter(), tmp_path, freeze=True)
    assert not report.failures  # the file equals the model in memory, and can be reset
    assert [name for name, _ in load_neutone_model(report.path)[0].w2w_base.named_buffers()] == ["model.past"]


class ClearableNetwork(Network):
    @torch.jit.export
    def clear(self) -> None:
        self.past = torch.zeros_like(self.past)


class Clearing(Filter):
    def __init__(self) -> None:
        super().__init__()
        self.model = ClearableNetwork()

    def reset_model(self) -> bool:
        self.model.clear()
        return True


def test_a_network_with_methods_of_its_own_cannot_be_frozen(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=r"Clearing cannot be compiled.*try without freezing(?s:.*)clear"):
        save(Clearing(), tmp_path, freeze=True)
    assert list(tmp_path.iterdir()) == []
    assert not save(Clearing(), tmp_path).failures


class Unscriptable(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return eval("x")  # type: ignore[no-any-return]


def test_a_network_that_cannot_be_compiled_cannot_be_frozen(tmp_path: Path) -> None:
    model = Clip(Unscriptable())
    with pytest.raises(ModelFileError, match=r"Clip.model, a Unscriptable, cannot be frozen by itself"):
        save(model, tmp_path, freeze=True)
