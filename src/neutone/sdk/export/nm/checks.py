"""Check that an exported model does what its file says.
Each check runs a module that was newly loaded from the file."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from neutone.checks.delay import compare_delay
from neutone.errors import MetadataError, first_line
from neutone.model.check_result import CheckResult
from neutone.model.metadata import ModelMetadata
from neutone.sdk.export.one_thread import one_thread
from neutone.sdk.export.verdict import SAME
from neutone.sdk.stream.host_surface import PRESERVED

MODEL_SURFACE = ("forward", "set_sample_rate_and_buffer_size", "reset", "calc_model_delay_samples")
"""The attributes of ``w2w_base`` that hosts use."""

TYPICAL_RATE = 48_000
HOST_BLOCK = 512
LEAST_FRAMES = 24_000
MODEL_BLOCKS = 6
"""The least number of model blocks in a check's signal."""
LEVEL = 0.25
TOLERANCE = 1e-5
SEED = 1
"""The seed of the models' random numbers. It differs from that of the check's own noise."""


@dataclass
class Trial:
    """What a check plays, in a host at the model's own rate."""

    sample_rate: int
    audio: Tensor
    """Noise of shape (C, frames), the same on all channels. Its length is a whole number of host blocks."""
    params: Tensor
    """The defaults of the parameters, of shape (4, frames)."""


class NmChecks:
    """The checks of one file.

    Args:
        fresh: A function that returns the file's module, newly loaded at each call.
    """

    def __init__(self, fresh: Callable[[], Any]) -> None:
        self._fresh = fresh

    def run(
        self, in_file: dict[str, Any], *, reference: Any = None, offline: bool = True, tolerant: bool = False
    ) -> Iterator[CheckResult]:
        """Run all checks, in an order that makes sense: if attributes are missing, the rest is skipped.

        Args:
            in_file: The file's ``metadata.json``.
            reference: The wrapper in memory that the file was made from, which has not run yet; None if there is none.
            offline: Whether to check ``forward_offline``.
            tolerant: If True, a check that raises an error has failed. If False, the error is raised.
        """
        older = _older_sdk(in_file)
        yield self.metadata(in_file, older)
        preserved = self.preserved_attributes(older)
        yield preserved
        if not preserved.passed:
            return
        checks: list[tuple[str, Callable[[], CheckResult]]] = [("reset", self.reset), ("delay", self.delay)]
        if reference is not None:
            checks.insert(0, (SAME, lambda: self.same_as(reference)))
        if offline:
            checks.append(("offline equals online", self.offline_equals_online))
        for name, check in checks:
            try:
                yield check()
            except Exception as error:  # torch.jit.Error, and anything that the module raises
                if not tolerant:
                    raise
                yield CheckResult(name, False, first_line(error))

    # -- the contents --------------------------------------------------------------------------------------------------

    def metadata(self, in_file: dict[str, Any], older: str = "") -> CheckResult:
        """Check that the file's ``metadata.json`` is within the limits and equals what the module returns.
        `older` names the older SDK that wrote the file; its limits were others."""
        name = "metadata"
        module = self._fresh()
        try:
            ModelMetadata(**in_file)
        except MetadataError as error:
            return CheckResult(name, None, f"{older} wrote it") if older else CheckResult(name, False, str(error))
        returned = json.loads(json.dumps(module.to_metadata()))
        wrong = [key for key in returned if key not in in_file or in_file[key] != returned[key]]
        if wrong:
            return CheckResult(name, False, f"to_metadata() and metadata.json differ in {', '.join(sorted(wrong))}")
        return CheckResult(name, True, f"{len(in_file)} keys, all within their limits")

    def preserved_attributes(self, older: str = "") -> CheckResult:
        """Check that everything is there that today's hosts use.
        `older` names the older SDK that wrote the file; it may lack what came later."""
        name = "preserved attributes"
        module = self._fresh()
        expected = ["forward", *PRESERVED]
        if hasattr(module, "get_preserved_attributes"):
            expected = list(dict.fromkeys([*expected, *module.get_preserved_attributes()]))
        missing = [attribute for attribute in expected if not hasattr(module, attribute)]
        if hasattr(module, "w2w_base"):
            missing += [f"w2w_base.{method}" for method in MODEL_SURFACE if not hasattr(module.w2w_base, method)]
        if missing:
            found = f"missing: {', '.join(missing)}"
            if older:
                return CheckResult(name, None, f"{older} wrote it, and neutone plays it; for other hosts, {found}")
            return CheckResult(name, False, found)
        return CheckResult(name, True, f"all {len(expected)} are there")

    # -- the behaviour -------------------------------------------------------------------------------------------------

    def same_as(self, reference: Any) -> CheckResult:
        """Check that the file's output equals that of the wrapper in memory, which has not run yet, or has been
        reset."""
        module = self._fresh()
        trial = self._trial(module)
        expected = self._play(reference, trial)
        found = _difference(self._play(module, trial), expected)
        return _judge(SAME, found, "the file and the model in memory")

    def offline_equals_online(self) -> CheckResult:
        """Check that the output of ``forward_offline`` equals that of ``forward`` block by block, without the delay."""
        module = self._fresh()
        trial = self._trial(module)
        n = trial.audio.size(1)
        self._set(module, trial)
        late = int(module.calc_buffering_delay_samples() + module.calc_model_delay_samples())
        blocks = -(-(n + late) // HOST_BLOCK)
        longer = Trial(
            trial.sample_rate,
            torch.nn.functional.pad(trial.audio, (0, blocks * HOST_BLOCK - n)),
            trial.params[:, -1:].repeat(1, blocks * HOST_BLOCK),
        )
        online = self._play(module, longer)[:, late : late + n]
        with torch.random.fork_rng(devices=[]), torch.no_grad(), one_thread():
            torch.manual_seed(SEED)
            offline = module.forward_offline(trial.audio, trial.params)
        name = "offline equals online"
        if offline.shape != online.shape:
            return CheckResult(name, False, f"offline returns {tuple(offline.shape)}, expected {tuple(online.shape)}")
        return _judge(name, _difference(offline, online), "forward_offline and forward")

    def reset(self) -> CheckResult:
        """Check that audio before a reset leaves no trace in the output after it."""
        module = self._fresh()
        trial = self._trial(module)
        self._set(module, trial)
        before = _buffers(module)
        first = self._run(module, trial)
        self._run(module, Trial(trial.sample_rate, 2.0 * trial.audio.flip(1), trial.params))
        module.reset()
        after = _buffers(module)
        second = self._run(module, trial)
        found = _difference(first, second)
        result = _judge("reset", found, "the same audio before and after reset()")
        if not result.failed:
            return result
        kept = [key for key, value in before.items() if key in after and not torch.equal(value, after[key])]
        hint = f"; reset_model() leaves the buffers {', '.join(kept)} as they are" if kept else ""
        return CheckResult(result.name, False, f"{result.detail}{hint}")

    def delay(self) -> CheckResult:
        """Check that the delay is what ``calc_buffering_delay_samples`` and ``calc_model_delay_samples`` report."""
        module = self._fresh()
        trial = self._trial(module)
        answer = self._play(module, trial).numpy()
        reported = int(module.calc_buffering_delay_samples() + module.calc_model_delay_samples())
        return compare_delay("delay", trial.audio[0].numpy(), answer, reported, trial.sample_rate)

    # -- how the module is run -----------------------------------------------------------------------------------------

    def _trial(self, module: Any) -> Trial:
        rate = int(([*module.get_native_sample_rates(), TYPICAL_RATE])[0])
        longest = max([*module.get_native_buffer_sizes(), 1])
        frames = -(-max(LEAST_FRAMES, MODEL_BLOCKS * longest) // HOST_BLOCK) * HOST_BLOCK
        channels = 1 if module.is_input_mono() and module.is_output_mono() else 2
        noise = torch.rand(1, frames, generator=torch.Generator().manual_seed(0)) * 2.0 - 1.0
        params = module.get_default_param_values().detach().reshape(-1, 1).repeat(1, frames)
        return Trial(rate, (LEVEL * noise).repeat(channels, 1), params)

    def _set(self, module: Any, trial: Trial) -> None:
        with torch.no_grad():
            module.set_daw_sample_rate_and_buffer_size(trial.sample_rate, HOST_BLOCK)
            module.reset()

    def _play(self, module: Any, trial: Trial) -> Tensor:
        """Run the trial from the initial state, and return the output."""
        self._set(module, trial)
        return self._run(module, trial)

    def _run(self, module: Any, trial: Trial) -> Tensor:
        """Run the trial from the current state, and return the output.
        Models that draw random numbers draw the same ones each time."""
        starts = range(0, trial.audio.size(1), HOST_BLOCK)
        audio = [trial.audio.narrow(1, start, HOST_BLOCK) for start in starts]
        params = [trial.params.narrow(1, start, HOST_BLOCK) for start in starts]
        with torch.random.fork_rng(devices=[]), torch.no_grad(), one_thread():
            torch.manual_seed(SEED)
            blocks = [module.forward(x, values).clone() for x, values in zip(audio, params, strict=True)]
            return torch.cat(blocks, dim=1)


def _older_sdk(in_file: dict[str, Any]) -> str:
    """Return the SDK before 1.5 that wrote a file, such as "neutone_sdk 1.3.0". Empty for a later one."""
    version = re.fullmatch(r"1\.([0-4])\.\d+", str(in_file.get("sdk_version", "")))
    return f"neutone_sdk {version[0]}" if version else ""


def _buffers(module: Any) -> dict[str, Tensor]:
    return {key: tensor.detach().clone() for key, tensor in module.w2w_base.named_buffers()}


def _difference(found: Tensor, expected: Tensor) -> float:
    """Return the largest difference, relative to the expected peak if that is above 1."""
    peak = max(1.0, float(expected.abs().max()))
    return float((found - expected).abs().max()) / peak


def _judge(name: str, difference: float, compared: str) -> CheckResult:
    return CheckResult(name, difference <= TOLERANCE, f"{compared}: largest difference {difference:.1e}")
