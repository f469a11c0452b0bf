"""Models as they are inside ``.nm`` files, each with one property that a conversion must handle or refuse."""

import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from support import torchscript_files


class Block(nn.Module):
    """A mono model with the methods that all models need."""

    @torch.jit.export
    def set_sample_rate_and_buffer_size(self, sample_rate: int, n_samples: int) -> bool:
        return False

    @torch.jit.export
    def reset(self) -> bool:
        return False

    @torch.jit.export
    def calc_model_delay_samples(self) -> int:
        return 0


class Wrapper(nn.Module):
    """The parts of a ``.nm`` file around its model that are read."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.realtime = True
        self.w2w_base = model

    def forward(self, x: Tensor, params: Tensor | None = None) -> Tensor:
        rows = torch.zeros(4, x.size(1)) if params is None else params
        return self.w2w_base(x, rows)


def save(path: Path, model: nn.Module, **metadata: Any) -> Path:
    """Write a model as a ``.nm`` file with one parameter, p1."""
    knob = {"type": "continuous", "name": "knob", "used": True, "default_value": 0.5}
    fields = {
        "model_name": "test",
        "is_input_mono": True,
        "is_output_mono": True,
        "native_sample_rates": [48_000],
        "neutone_parameters": {"p1": knob},
        **metadata,
    }
    return torchscript_files.save(Wrapper(model.eval()), path, metadata=json.dumps(fields))


# -- what converts -----------------------------------------------------------------------------------------------------


class CachedTcn(Block):
    """Has dilated convolutions, caches in buffers, sizes in numbers, and layers in a list."""

    def __init__(self) -> None:
        super().__init__()
        self.dilations: list[int] = [1, 3, 9]
        self.kernel = 3
        self.gain: float = 0.7
        self.convs = nn.ModuleList(
            nn.Conv1d(1 if i == 0 else 4, 4, 3, dilation=d) for i, d in enumerate(self.dilations)
        )
        self.out = nn.Conv1d(4, 1, 1)
        self.register_buffer("cache_0", torch.zeros(1, 1, 2))
        self.register_buffer("cache_1", torch.zeros(1, 4, 6))
        self.register_buffer("cache_2", torch.zeros(1, 4, 18))

    def forward(self, x: Tensor, params: Tensor) -> Tensor:
        y = x.unsqueeze(0) * (self.gain + params[:1].mean())
        for i, conv in enumerate(self.convs):
            past = (self.kernel - 1) * self.dilations[i]
            cache = self.cache_0 if i == 0 else (self.cache_1 if i == 1 else self.cache_2)
            window = torch.cat([cache, y], dim=2)
            kept = window[:, :, window.size(2) - past :]
            if i == 0:
                self.cache_0 = kept.clone()
            elif i == 1:
                self.cache_1.copy_(kept)
            else:
                self.cache_2 = kept.clone()
            y = torch.tanh(conv(window))
        return self.out(y).squeeze(0)


class Gru(Block):
    """Has a recurrent layer with two layers, batch first, run without gradients."""

    def __init__(self) -> None:
        super().__init__()
        self.gru = nn.GRU(2, 6, num_layers=2, batch_first=True)
        self.out = nn.Linear(6, 1)
        self.register_buffer("h", torch.zeros(2, 1, 6))

    def forward(self, x: Tensor, params: Tensor) -> Tensor:
        with torch.no_grad():
            features = torch.cat([x, params[:1]], dim=0).t().unsqueeze(0)
            y, h = self.gru(features, self.h)
            self.h = h
            return self.out(y).squeeze(0).t()


class ListOfState(Block):
    """Keeps state in a list, and has a table whose entries each block replaces."""

    def __init__(self) -> None:
        super().__init__()
        self.past: list[Tensor] = [torch.zeros(1, 5), torch.zeros(1, 2)]
        self.table: dict[str, Tensor] = {"knob": torch.zeros(1)}

    def forward(self, x: Tensor, params: Tensor) -> Tensor:
        self.table["knob"] = params[0]
        y = x * self.table["knob"]
        for i in range(len(self.past)):
            window = torch.cat([self.past[i], y], dim=1)
            self.past[i] = window[:, x.size(1) :].clone()
            y = y + 0.5 * window[:, : x.size(1)]
        return y


class WholeNumbersInTensors(Block):
    """Counts blocks in a buffer of integers, and reads a size from a constant one, as RAVE does."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("count", torch.zeros(1, dtype=torch.int64))
        self.register_buffer("encode_params", torch.tensor([1, 1, 4, 8]))
        self.register_buffer("past", torch.zeros(1, 8))

    def forward(self, x: Tensor, params: Tensor) -> Tensor:
        delay = int(self.encode_params[3])
        self.count += 1
        window = torch.cat([self.past, x], dim=1)
        self.past = window[:, -delay:].clone()
        return torch.where(self.count > 10, window[:, :-delay], x)


class Gate(Block):
    """Uses another curve for loud samples, without a branch."""

    def forward(self, x: Tensor, params: Tensor) -> Tensor:
        return torch.where(x.abs() > 0.2, torch.tanh(3.0 * x), x * params[:1])


class ByRate(Block):
    """Has a gain that depends on the sample rate."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("coefficient", torch.tensor(0.5))

    @torch.jit.export
    def set_sample_rate_and_buffer_size(self, sample_rate: int, n_samples: int) -> bool:
        self.coefficient = torch.tensor(1000.0 / sample_rate)
        return True

    def forward(self, x: Tensor, params: Tensor) -> Tensor:
        return x * self.coefficient


class ByBlock(Block):
    """Must know its block size in advance."""

    def __init__(self) -> None:
        super().__init__()
        self.size = 1

    @torch.jit.export
    def set_sample_rate_and_buffer_size(self, sample_rate: int, n_samples: int) -> bool:
        self.size = n_samples
        return True

    def forward(self, x: Tensor, params: Tensor) -> Tensor:
        return x * (1.0 + 1.0 / self.size)


class RingOfBlocks(Block):
    """Remembers its last whole block, so its state is as long as a block."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("last", torch.zeros(1, 1))

    @torch.jit.export
    def set_sample_rate_and_buffer_size(self, sample_rate: int, n_samples: int) -> bool:
        self.last = torch.zeros(1, n_samples)
        return True

    def forward(self, x: Tensor, params: Tensor) -> Tensor:
        y = self.last + 0.25 * x
        self.last = x.clone()
        return y


class QueuedLookBehind(Block):
    """Queues its look-behind before it computes, in a ring whose position is a number, as neutone_sdk does."""

    def __init__(self) -> None:
        super().__init__()
        self.neutone_parameter_names = ["knob"]
        self.past = 24
        self.position = 0
        self.register_buffer("ring", torch.zeros(2, 4096))
        self.ring[1] = 0.5

    @torch.jit.export
    def get_default_param_values(self) -> Tensor:
        return torch.full((4, 1), 0.5)

    @torch.jit.export
    def aggregate_params(self, params: Tensor) -> Tensor:
        return params.mean(dim=1, keepdim=True)

    @torch.jit.export
    def do_forward_pass(self, x: Tensor, params: dict[str, Tensor]) -> Tensor:
        return (x[:, self.past :] + x[:, : -self.past]) * params["knob"]

    def forward(self, x: Tensor, params: Tensor) -> Tensor:
        n = x.size(1)
        at = (torch.arange(n) + self.position) % 4096
        self.ring[:, at] = torch.cat([x, params[:1]], dim=0)
        self.position = (self.position + n) % 4096
        window = self.ring[:, (torch.arange(self.past + n) + self.position - n - self.past) % 4096]
        rows = torch.cat([window[1:], torch.zeros(3, self.past + n)], dim=0)
        return self.do_forward_pass(window[:1], {"knob": self.aggregate_params(rows)[0]})


# -- what is refused ---------------------------------------------------------------------------------------------------


class BranchOnAudio(Block):
    """Treats loud blocks in another way, by a branch on audio."""

    def forward(self, x: Tensor, params: Tensor) -> Tensor:
        if bool(x.abs().max() > 0.999):
            return torch.zeros_like(x)
        return x


class BranchOnState(Block):
    """Treats every block after the third in another way, by a branch on state."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("count", torch.zeros(1))

    def forward(self, x: Tensor, params: Tensor) -> Tensor:
        self.count += 1.0
        if self.count.item() > 3.0:
            return -x
        return x


class CountsBlocks(Block):
    """Keeps state in a number."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks = 0

    def forward(self, x: Tensor, params: Tensor) -> Tensor:
        self.blocks += 1
        return x if self.blocks < 55 else -x


class Ring(Block):
    """A delay whose position in its ring is a number."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("ring", torch.zeros(1, 1024))
        self.position = 0

    def forward(self, x: Tensor, params: Tensor) -> Tensor:
        at = (torch.arange(x.size(1)) + self.position) % 1024
        y = self.ring[:, at].clone()
        self.ring[:, at] = x
        self.position = (self.position + x.size(1)) % 1024
        return y


class NoneAtFirst(Block):
    """Has no state before the first block."""

    past: Tensor | None

    def __init__(self) -> None:
        super().__init__()
        self.past = None

    def forward(self, x: Tensor, params: Tensor) -> Tensor:
        past = self.past
        y = x if past is None else x + past
        self.past = x.mean(dim=1, keepdim=True)
        return y


class Noise(Block):
    """Returns something else every time."""

    def forward(self, x: Tensor, params: Tensor) -> Tensor:
        return x + 0.01 * torch.rand_like(x)


class SeldomNoise(Block):
    """Draws random numbers that matter in one block out of two thousand, so no comparison would find them."""

    def forward(self, x: Tensor, params: Tensor) -> Tensor:
        return torch.where(torch.rand(1) > 0.9995, -x, x)


class OneTensorTwice(Block):
    """A counter that is written under one name and read under another."""

    def __init__(self) -> None:
        super().__init__()
        blocks = torch.zeros(1)
        self.register_buffer("written", blocks)
        self.register_buffer("asked", blocks)

    def forward(self, x: Tensor, params: Tensor) -> Tensor:
        self.written += 1
        return torch.where(self.asked > 100, -x, x)


class LoopOverFrames(Block):
    """A filter in a loop over the samples."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("last", torch.zeros(1))

    def forward(self, x: Tensor, params: Tensor) -> Tensor:
        y = torch.empty_like(x)
        for i in range(x.size(1)):
            self.last = 0.9 * self.last + x[:, i]
            y[:, i] = self.last
        return y


class Bidirectional(Block):
    """Looks into the future."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(1, 4, bidirectional=True)

    def forward(self, x: Tensor, params: Tensor) -> Tensor:
        y, _ = self.lstm(x.t().unsqueeze(1))
        return y.squeeze(1).mean(dim=1, keepdim=True).t()


class NoCounterpart(Block):
    """Uses an operator that ONNX does not have."""

    def forward(self, x: Tensor, params: Tensor) -> Tensor:
        return torch.special.bessel_j0(x)
