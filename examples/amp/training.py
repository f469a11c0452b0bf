"""Truncated back-propagation through time on the simulated amp.

A. Wright, E.-P. Damskägg and V. Välimäki, "Real-time black-box modelling with recurrent neural networks",
DAFx-19: the loss is the error-to-signal ratio of pre-emphasised signals plus a DC term, and the state is
carried over from one stretch of audio to the next while the gradient is not.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from .network import AmpNetwork
from .signals import Clips, training_clips
from .simulator import simulate

PRE_EMPHASIS = 0.85
DC_WEIGHT = 1.0
LARGEST_GRADIENT = 1.0
WARM_UP_STEPS = 200


@dataclass(frozen=True)
class TrainingOptions:
    """The options of training.
    With `minutes`, the schedule follows the clock, so the result depends on the machine's speed."""

    steps: int = 40_000
    minutes: float | None = None
    seed: int = 1
    hidden_size: int = 16
    batch_size: int = 32
    stretch_frames: int = 512
    clips: int = 320
    clip_seconds: float = 1.5
    learning_rate: float = 1e-2


@dataclass(frozen=True)
class _Data:
    """Training data with time as the first axis, as the LSTM needs it."""

    audio: Tensor  # (T, clips)
    params: Tensor  # (T, clips, 2)
    target: Tensor  # (T, clips)
    power: Tensor  # (clips,): the mean square of the target, which its error is compared with
    emphasised_power: Tensor


def _emphasise(signal: Tensor) -> Tensor:
    return signal[1:] - PRE_EMPHASIS * signal[:-1]


def _prepare(clips: Clips) -> _Data:
    target = torch.from_numpy(np.ascontiguousarray(simulate(clips.audio, clips.params).T))
    # The floor keeps a clip that is nearly silent from outweighing all others.
    return _Data(
        audio=torch.from_numpy(np.ascontiguousarray(clips.audio.T, dtype=np.float32)),
        params=torch.from_numpy(np.ascontiguousarray(clips.params.transpose(2, 0, 1), dtype=np.float32)),
        target=target,
        power=target.square().mean(0).clamp_min(1e-5),
        emphasised_power=_emphasise(target).square().mean(0).clamp_min(1e-6),
    )


def _loss(output: Tensor, target: Tensor, power: Tensor, emphasised_power: Tensor) -> Tensor:
    """Return the mean over the batch of half the plain and half the pre-emphasised ESR, plus the DC term."""
    error = target - output
    plain = (error.square().mean(0) / power).mean()
    emphasised = (_emphasise(error).square().mean(0) / emphasised_power).mean()
    offset = (error.mean(0).square() / power).mean()
    return 0.5 * plain + 0.5 * emphasised + DC_WEIGHT * offset


def _validation_esr(network: AmpNetwork, data: _Data) -> float:
    """Return the mean over all clips of the plain error-to-signal ratio."""
    with torch.no_grad():
        output, _ = network(data.audio, data.params, network.initial_state(data.audio.shape[1]))
        return float(((data.target - output).square().mean(0) / data.power).mean())


def train(options: TrainingOptions, report: Callable[[str], None] = print) -> AmpNetwork:
    """Train from scratch, and return the network with the best validation ESR."""
    torch.manual_seed(options.seed)
    generator = np.random.default_rng(options.seed)
    started = time.monotonic()
    data = _prepare(training_clips(options.clips, options.clip_seconds, options.seed))
    validation = _prepare(training_clips(32, 1.0, options.seed + 10_000))
    report(
        f"{options.clips * options.clip_seconds:.0f} s of training audio simulated"
        f" in {time.monotonic() - started:.0f} s"
    )

    network = AmpNetwork(options.hidden_size)
    optimizer = torch.optim.Adam(network.parameters(), lr=options.learning_rate)
    best_esr, best_weights = math.inf, {name: value.clone() for name, value in network.state_dict().items()}
    step, next_report, started = 0, 0, time.monotonic()
    report_every = max(1, options.steps // 40)
    progress, running = 0.0, 0.0
    while progress < 1.0:
        order = generator.permutation(options.clips)
        for first in range(0, options.clips - options.batch_size + 1, options.batch_size):
            batch = torch.from_numpy(order[first : first + options.batch_size])
            audio, params, target = data.audio[:, batch], data.params[:, batch], data.target[:, batch]
            power, emphasised_power = data.power[batch], data.emphasised_power[batch]
            state = network.initial_state(options.batch_size)
            for start in range(0, audio.shape[0] - options.stretch_frames + 1, options.stretch_frames):
                progress = step / options.steps
                if options.minutes is not None:
                    progress = max(progress, (time.monotonic() - started) / (60.0 * options.minutes))
                if progress >= 1.0:
                    break
                # A short linear warm-up, then half a cosine down to a hundredth.
                decay = 0.01 + 0.99 * 0.5 * (1.0 + math.cos(math.pi * progress))
                optimizer.param_groups[0]["lr"] = options.learning_rate * min(1.0, (step + 1) / WARM_UP_STEPS) * decay
                stretch = slice(start, start + options.stretch_frames)
                output, state = network(audio[stretch], params[stretch], state)
                loss = _loss(output, target[stretch], power, emphasised_power)
                optimizer.zero_grad(set_to_none=True)
                torch.autograd.backward(loss)
                torch.nn.utils.clip_grad_norm_(network.parameters(), LARGEST_GRADIENT)
                optimizer.step()
                state = (state[0].detach(), state[1].detach())
                running += 0.01 * (float(loss.detach()) - running)
                step += 1
            if progress >= 1.0:
                break
            if step >= next_report:
                next_report = step + report_every
                esr = _validation_esr(network, validation)
                if esr < best_esr:
                    best_esr = esr
                    best_weights = {name: value.clone() for name, value in network.state_dict().items()}
                report(
                    f"step {step:6d}  {time.monotonic() - started:5.0f} s  loss {running:.5f}"
                    f"  validation ESR {100.0 * esr:.3f} %"
                )
    esr = _validation_esr(network, validation)
    report(f"step {step:6d}  {time.monotonic() - started:5.0f} s  end  validation ESR {100.0 * esr:.3f} %")
    if esr >= best_esr:
        network.load_state_dict(best_weights)
    return network
