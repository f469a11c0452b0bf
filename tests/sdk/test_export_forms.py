"""Models in the forms in which people write them: what each exporter takes, and what it says of the rest."""

import warnings
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from neutone.errors import ModelCheckWarning, ModelFileError, ShapeError
from support.command_line import assert_one_line, call

torch = pytest.importorskip("torch")
pytest.importorskip("onnxscript")
from torch import Tensor, nn  # noqa: E402

from neutone import ModelMetadata  # noqa: E402
from neutone.sdk import ContinuousNeutoneParameter, export_onnx, quiet_torchscript, save_neutone_model, script  # noqa: E402
from support.exporting import TRUE, Mono, largest_difference  # noqa: E402

pytestmark = pytest.mark.long


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.gru = nn.GRU(1, 8, batch_first=True)
        self.mix = nn.Linear(8, 1)
        self.register_buffer("h", torch.zeros(1, 1, 8))

    def forward(self, x: Tensor) -> Tensor:
        y, self.h = self.gru(x.unsqueeze(-1), self.h)
        return self.mix(y).squeeze(-1)


class CompiledRecurrent(Mono):
    """A recurrent layer in a module that is already TorchScript."""

    def __init__(self) -> None:
        super().__init__(script(Recurrent()))

    def reset_model(self) -> bool:
        self.model.h = torch.zeros(1, 1, 8)
        return True


class Traced(Mono):
    def __init__(self) -> None:
        network = nn.Sequential(nn.Conv1d(1, 4, 3, padding=1), nn.Tanh(), nn.Conv1d(4, 1, 1)).eval()
        with quiet_torchscript():
            super().__init__(torch.jit.trace(network, torch.rand(1, 1, 64)))

    def do_forward_pass(self, x, params):
        return self.model(x.unsqueeze(0)).squeeze(0)


class Normed(Mono):
    """Weights that a hook and a parametrization compute in each block. They have a history once the network has run."""

    def __init__(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the old form is deprecated, and in many public models
            old = nn.utils.weight_norm(nn.Conv1d(1, 4, 1))
        super().__init__(nn.Sequential(old, nn.Tanh(), nn.utils.parametrizations.weight_norm(nn.Conv1d(4, 1, 1))))
        self.model(torch.rand(1, 1, 64))

    def do_forward_pass(self, x, params):
        return self.model(x.unsqueeze(0)).squeeze(0)


class TupleState(Mono):
    def __init__(self) -> None:
        super().__init__(nn.LSTM(1, 8, batch_first=True))
        self.mix = nn.Linear(8, 1)
        self.reset_model()

    def do_forward_pass(self, x, params):
        y, self.hidden = self.model(x.unsqueeze(-1), self.hidden)
        return self.mix(y).squeeze(-1)

    def reset_model(self) -> bool:
        self.hidden = (torch.zeros(1, 1, 8), torch.zeros(1, 1, 8))
        return True


class NoneAtFirst(Mono):
    """State that is None until the first block, as many recurrent wrappers have it."""

    hidden: tuple[Tensor, Tensor] | None

    def __init__(self) -> None:
        super().__init__(nn.LSTM(1, 8, batch_first=True))
        self.mix = nn.Linear(8, 1)
        self.hidden = None

    def do_forward_pass(self, x, params):
        y, self.hidden = self.model(x.unsqueeze(-1), self.hidden)
        return self.mix(y).squeeze(-1)

    def reset_model(self) -> bool:
        self.hidden = None
        return True


class SizeAsNumber(Mono):
    def do_forward_pass(self, x, params):
        frames = int(x.size(1))
        return x * torch.arange(frames) / frames


class ComputedOnce(Mono):
    """A tensor with a history, computed from a weight in the constructor."""

    def __init__(self) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.tensor(0.5))
        self.scaled = 2.0 * self.gain

    def do_forward_pass(self, x, params):
        return 0.5 * x * self.scaled


class Spectrum(Mono):
    metadata = ModelMetadata(
        model_name="spectrum",
        is_input_mono=True,
        is_output_mono=True,
        native_sample_rates=[48_000],
        native_buffer_sizes=[1024],
    )

    def do_forward_pass(self, x, params):
        window = torch.hann_window(256)
        spectrum = torch.stft(x, 256, 64, window=window, return_complex=True)
        return torch.istft(0.5 * spectrum, 256, 64, window=window, length=x.size(1))


class Oscillating(Mono):
    """Real numbers of a parameter and of the state, and state that is set up by the first block."""

    neutone_parameters: ClassVar[list[Any]] = [ContinuousNeutoneParameter("speed", "", 0.5, 0.1, 1.0)]
    held: tuple[Tensor, Tensor]

    def __init__(self) -> None:
        super().__init__(nn.LSTM(1, 8, batch_first=True))
        self.mix = nn.Linear(8, 1)
        self.phase = torch.tensor(0.0)
        self.held = (torch.zeros(1), torch.zeros(1))
        self.is_set = False

    def do_forward_pass(self, x, params):
        steps = torch.full((x.size(1),), params["speed"].item() / 1000.0)
        angles = torch.cumsum(steps, dim=0) + self.phase.item()
        self.phase = angles[-1] % 6.283
        y = x.unsqueeze(-1)
        if self.is_set:
            y, self.held = self.model(y, self.held)
        else:
            y, self.held = self.model(y)
            self.is_set = True
        return self.mix(y).squeeze(-1) * torch.cos(angles)

    def reset_model(self) -> bool:
        self.phase = torch.tensor(0.0)
        self.is_set = False
        return True


ANY = (64, 64, 7, 7, 1, 300)
FORMS = [CompiledRecurrent, Traced, Normed, TupleState, NoneAtFirst, Oscillating, SizeAsNumber, ComputedOnce, Spectrum]


def fresh(form: type[Mono]) -> Any:
    torch.manual_seed(0)
    return form().eval()


def as_written(form: type[Mono]) -> Any:
    """Return a reference for :func:`largest_difference`, which copies it: PyTorch does not copy tensors with a history,
    nor does it run scripted modules in ``forward`` with random weights twice."""
    model = fresh(form)
    model.requires_grad_(False)
    return model


@pytest.mark.parametrize("form", FORMS)
def test_both_formats_take_it(form: type[Mono], tmp_path: Path) -> None:
    model = fresh(form)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ModelCheckWarning)
        save_neutone_model(model, tmp_path, speed_benchmark=False)
        report = export_onnx(model, tmp_path / "model.onnx", strict=True)
    assert report.largest_difference < TRUE
    assert not report.failures
    sizes = report.metadata["native_buffer_sizes"] * 3 or list(ANY)
    if form not in (Normed, ComputedOnce):  # PyTorch cannot copy these
        assert largest_difference(as_written(form), report.path, sizes) < TRUE


def test_the_original_is_not_changed(tmp_path: Path) -> None:
    model = fresh(Normed)
    audio = torch.rand(1, 64)
    before = model(audio).detach()
    save_neutone_model(model, tmp_path, speed_benchmark=False)
    export_onnx(model, tmp_path / "model.onnx")
    assert hasattr(model.model[2], "parametrizations")
    torch.testing.assert_close(model(audio), before, rtol=0.0, atol=0.0)


# -- what is refused ---------------------------------------------------------------------------------------------------


class PlainState(Mono):
    def __init__(self) -> None:
        super().__init__()
        self.last = torch.zeros(1, 1)

    def do_forward_pass(self, x, params):
        y = x + 0.5 * self.last
        self.last = y[:, -1:].clone()
        return y


def test_state_in_a_plain_tensor(tmp_path: Path) -> None:
    """A .nm file cannot clear such state; an ONNX file carries it as any other."""
    with pytest.raises(ModelFileError, match=r"register_buffer\('last', ...\).*--force"):
        save_neutone_model(PlainState(), tmp_path, speed_benchmark=False)
    assert not (tmp_path / "model.nm").exists()
    with pytest.warns(ModelCheckWarning, match="state: state is kept in the attribute 'last'"):
        save_neutone_model(PlainState(), tmp_path, speed_benchmark=False, force=True)
    report = export_onnx(PlainState(), tmp_path / "model.onnx", strict=True)
    assert report.states == ("state.last",)
    assert largest_difference(PlainState(), report.path, list(ANY)) < TRUE


class LateBy64(Mono):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("past", torch.zeros(1, 64))

    def do_forward_pass(self, x, params):
        whole = torch.cat([self.past, x], 1)
        self.past = whole[:, -64:].clone()
        return whole[:, : x.size(1)]

    def reset_model(self) -> bool:
        self.past = torch.zeros(1, 64)
        return True


def test_a_wrong_delay_is_seen_in_both_formats(tmp_path: Path) -> None:
    found = "delay: 0 frames reported, 64 measured"
    with pytest.warns(ModelCheckWarning, match=found):
        export_onnx(LateBy64(), tmp_path / "model.onnx")
    with pytest.raises(ModelFileError, match=found):
        export_onnx(LateBy64(), tmp_path / "strict.onnx", strict=True)
    with pytest.raises(ModelFileError, match=found):
        save_neutone_model(LateBy64(), tmp_path / "nm", speed_benchmark=False, dump_samples=True, submission=True)
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["model.onnx"]


def test_strict_on_the_command_line(tmp_path: Path) -> None:
    result = call("export", f"{__file__}:LateBy64", tmp_path / "out", "--format", "onnx", "--strict")
    assert_one_line(result, "64 measured")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("returned", "words"),
    [(lambda x: x.t(), "it is transposed"), (lambda x: x[0], "the channel axis is missing")],
)
def test_a_wrong_shape_is_named_by_every_exporter(returned: Any, words: str, tmp_path: Path) -> None:
    class WrongShape(Mono):
        def do_forward_pass(self, x, params):
            return returned(x)

    for export in (lambda: save_neutone_model(WrongShape(), tmp_path), lambda: export_onnx(WrongShape(), "m.onnx")):
        with pytest.raises(ShapeError, match=words):
            export()


class BranchOnAudio(Mono):
    def do_forward_pass(self, x, params):
        if x.abs().max() > 0.25:
            return 0.5 * x
        return x


class Raises(Mono):
    def do_forward_pass(self, x, params):
        return x[:, [np.iinfo(np.int32).max]]


def test_errors_are_one_line_with_their_cause(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError) as raised:
        export_onnx(BranchOnAudio(), tmp_path / "m.onnx")
    assert "a branch or a size depends on the audio" in str(raised.value)
    assert "test_export_forms.py, line" in str(raised.value)
    for export in (lambda: save_neutone_model(Raises(), tmp_path), lambda: export_onnx(Raises(), tmp_path / "m.onnx")):
        with pytest.raises(ModelFileError, match="Raises does not run: IndexError: index 2147483647 is out of bounds"):
            export()
