"""Write a wrapped model to a ``.nm`` file that hosts can load, and read one back."""

import base64
import copy
import io
import json
import warnings
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from neutone.errors import (
    CompatibilityWarning,
    ConfigurationError,
    MetadataError,
    ModelFileError,
)
from neutone.file_replacement import replaced_when_complete
from neutone.limits import HOST_PARAMETERS
from neutone.model.archive import METADATA_FILE, check_archive, read_archive_metadata
from neutone.model.check_result import CheckResult
from neutone.model.metadata import ModelMetadata
from neutone.model.trust import require_trust
from neutone.plugins import ExportReport
from neutone.sdk.compat.refusals import PEER_VERSION, peer_refusals
from neutone.sdk.export.copying import independent_copy
from neutone.sdk.export.nm.audio_sample import AudioSamplePair
from neutone.sdk.export.nm.checks import NmChecks
from neutone.sdk.export.nm.freezing import freeze_network
from neutone.sdk.export.nm.samples import make_sample_pairs
from neutone.sdk.export.nm.timing import HOSTS, SECONDS, time_wrapper
from neutone.sdk.export.script_errors import compiler_complaint
from neutone.sdk.export.scripting import load_script, save_script, script
from neutone.sdk.export.trial_run import try_model
from neutone.sdk.export.verdict import STATE, judge, warn_of_failures
from neutone.sdk.stream.sample_queue_wrapper import SampleQueueWrapper
from neutone.sdk.wrap.waveform import WaveformToWaveformBase

MODEL_FILE = "model.nm"
SAMPLES_FOLDER = "samples"


@dataclass(frozen=True, slots=True)
class NmOptions:
    """How a ``.nm`` file is written; :func:`save_neutone_model` explains each."""

    dump_samples: bool
    submission: bool
    audio_sample_pairs: Sequence[AudioSamplePair] | None
    max_n_samples: int
    freeze: bool
    optimize: bool
    speed_benchmark: bool
    test_offline_mode: bool
    force: bool


def save_neutone_model(
    model: WaveformToWaveformBase | SampleQueueWrapper,
    root_dir: str | Path,
    dump_samples: bool = False,
    submission: bool = False,
    audio_sample_pairs: Sequence[AudioSamplePair] | None = None,
    max_n_samples: int = 3,
    freeze: bool = False,
    optimize: bool = False,
    speed_benchmark: bool = True,
    test_offline_mode: bool = True,
    force: bool = False,
) -> ExportReport:
    """Write ``model.nm`` and ``metadata.json``, and check that the file does what it says.

    The file is checked before it is put in place. Three checks must pass: the metadata are valid, the attributes that
    hosts use are there, and the file's output equals that of the model in memory. If one of the other checks fails, a
    :class:`~neutone.errors.ModelCheckWarning` says so: ``reset`` leaves no trace of earlier audio, the reported delay
    is the measured one, and the output of ``forward_offline`` equals that of ``forward``. A failure of these may be
    intended: an echo without its dry sound looks like a delay.

    Args:
        model: The model to save. It is not modified if it can be copied.
        root_dir: The output folder. It is created if needed. Earlier files of these names are replaced once the new
            ones are complete.
        dump_samples: Also write the sounds inside the file to ``samples/sample_in_0.mp3`` and so on. If
            ``audio_sample_pairs`` has none, a guitar phrase is run through the model.
        submission: Treat every check as mandatory. Needs ``dump_samples`` and ``test_offline_mode``.
        audio_sample_pairs: Sounds to put into the file, as MP3.
        max_n_samples: The most pairs of sounds in the file, 0 to 3.
        freeze: Make the weights of ``model.model`` constants of its code.
        optimize: Also let PyTorch rewrite the network for this machine's processor.
        speed_benchmark: Measure the speed in ten hosts, for a tenth of a second each. ``print(report)`` shows a table
            of speed and latency.
        test_offline_mode: Run the check of ``forward_offline``.
        force: Write the file even if a reset does not clear its state, because the state is not in buffers.

    Raises:
        neutone.errors.ModelFileError: The model cannot be compiled or frozen, or a mandatory check failed. Nothing was
            written.
        neutone.errors.ConfigurationError: `model` is not a model, or the arguments exclude each other.

    Warns:
        neutone.errors.ModelCheckWarning: A check failed that is not mandatory.
        neutone.errors.CompatibilityWarning: neutone_sdk 1.5.2 refuses such metadata.
    """
    options = NmOptions(
        dump_samples,
        submission,
        audio_sample_pairs,
        max_n_samples,
        freeze,
        optimize,
        speed_benchmark,
        test_offline_mode,
        force,
    )
    return write_nm_file(model, Path(root_dir) / MODEL_FILE, options)


def write_nm_file(model: WaveformToWaveformBase | SampleQueueWrapper, path: Path, options: NmOptions) -> ExportReport:
    """Do what :func:`save_neutone_model` does, given the path of the file itself.
    ``metadata.json`` and ``samples`` are written next to it."""
    _check_arguments(model, options)
    wrapper = _wrapped_copy(model)
    name = type(wrapper.w2w_base).__name__
    refused = peer_refusals(ModelMetadata(**wrapper.to_metadata()))
    if refused:
        warnings.warn(
            f"neutone_sdk {PEER_VERSION} and hosts that check as it does will not load {name}: {'; '.join(refused)}",
            CompatibilityWarning,
            stacklevel=3,
        )
    plain_state = _try(wrapper)
    if options.freeze or options.optimize:
        wrapper.prepare_for_inference()
        freeze_network(wrapper.w2w_base, options.optimize)
    wrapper.release_memory()
    compiled = _compile(wrapper, name, options.freeze or options.optimize)
    pairs = make_sample_pairs(
        _read(compiled)[0], options.audio_sample_pairs, options.dump_samples, options.max_n_samples
    )
    metadata = json.loads(json.dumps(wrapper.to_metadata()))
    sounds = [pair.to_metadata_format() for pair in pairs]
    complete = {**metadata, "sample_sound_files": sounds}
    content = _with_metadata(compiled, complete)

    path.parent.mkdir(parents=True, exist_ok=True)
    with ExitStack() as files:
        temporary = files.enter_context(replaced_when_complete(path))
        temporary.write_bytes(content)
        try:
            checks = list(
                NmChecks(lambda: load_script(temporary)[0]).run(
                    complete, reference=wrapper, offline=options.test_offline_mode
                )
            )
        except RuntimeError as error:  # PyTorch raises it
            raise ModelFileError(f"the file of {name} does not run: {compiler_complaint(error)}") from error
        if plain_state and any(check.failed for check in checks):
            checks.insert(0, CheckResult(STATE, False, plain_state))
        judge(name, checks, strict=options.submission, force=options.force)
        _write_beside(files, path.parent, metadata, sounds if options.dump_samples else [])
        timed = load_script(temporary)[0]
        seconds = SECONDS if options.speed_benchmark else 0.0
        hosts = tuple(time_wrapper(timed, rate, block, seconds) for rate, block in HOSTS)
    warn_of_failures(name, checks, stacklevel=3)
    return ExportReport(path, complete, tuple(checks), hosts)


def load_neutone_model(path: str | Path) -> tuple[torch.jit.ScriptModule, dict[str, Any]]:
    """Read the module in a ``.nm`` file onto the CPU. Returns it with its ``metadata.json``.

    Raises:
        FileNotFoundError: There is no such file.
        neutone.errors.ModelFileError: It is not a ``.nm`` file, or its metadata exceeds a limit.
        neutone.errors.UntrustedFileError: The file was fetched, and is not trusted; see :func:`neutone.load`.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no model file {path}")
    check_archive(path)
    text = read_archive_metadata(path)
    if not text:
        raise ModelFileError(f"{path} is TorchScript, but has no {METADATA_FILE} inside, as .nm files have")
    try:
        ModelMetadata.from_json(text)
    except MetadataError as error:
        raise ModelFileError(f"{path}, {METADATA_FILE}: {error}") from error
    require_trust(path, False)
    try:
        return _read(path.read_bytes())
    except RuntimeError as error:  # PyTorch raises it
        raise ModelFileError(f"{path} is not a TorchScript archive") from error


# -- steps -------------------------------------------------------------------------------------------------------------


def _check_arguments(model: Any, options: NmOptions) -> None:
    if not isinstance(model, WaveformToWaveformBase | SampleQueueWrapper):
        raise ConfigurationError(f"model is a {type(model).__name__}, expected a WaveformToWaveformBase")
    if options.submission and not (options.dump_samples and options.test_offline_mode):
        raise ConfigurationError("submission=True needs dump_samples=True and test_offline_mode=True")
    wrapped: Any = model.w2w_base if isinstance(model, SampleQueueWrapper) else model
    count = int(wrapped.n_neutone_parameters)
    if count > HOST_PARAMETERS:
        raise ConfigurationError(
            f"{type(wrapped).__name__} has {count} parameters, and a .nm file holds {HOST_PARAMETERS}, because its "
            f"hosts send no more: export it to ONNX (neutone export --format onnx)"
        )


def _wrapped_copy(model: WaveformToWaveformBase | SampleQueueWrapper) -> SampleQueueWrapper:
    own = independent_copy(model)
    return own if isinstance(own, SampleQueueWrapper) else SampleQueueWrapper(own)


def _try(wrapper: SampleQueueWrapper) -> str:
    model: WaveformToWaveformBase = copy.deepcopy(wrapper.w2w_base)
    return try_model(model)


def _compile(wrapper: SampleQueueWrapper, name: str, is_frozen: bool) -> bytes:
    """Compile a module that has not run, and return its archive without metadata."""
    try:
        with torch.no_grad():
            scripted = script(wrapper)
            return _archive(scripted, {})
    except Exception as error:  # PyTorch's many classes; OSError if there is no source code
        hint = " (a frozen network has no method but forward: try without freezing)" if is_frozen else ""
        raise ModelFileError(f"{name} cannot be compiled{hint}: {compiler_complaint(error)}") from error


def _archive(module: torch.jit.ScriptModule, extra: dict[str, str]) -> bytes:
    file = io.BytesIO()
    save_script(module, file, extra)
    return file.getvalue()


def _with_metadata(archive: bytes, metadata: dict[str, Any]) -> bytes:
    return _archive(_read(archive)[0], {METADATA_FILE: json.dumps(metadata, indent=4)})


def _read(archive: bytes) -> tuple[torch.jit.ScriptModule, Any]:
    """Return the module and its metadata, or None if there is no metadata or it is not JSON."""
    module, files = load_script(io.BytesIO(archive), [METADATA_FILE])
    try:
        return module, json.loads(files[METADATA_FILE])
    except ValueError:
        return module, None


def _write_beside(files: ExitStack, folder: Path, metadata: dict[str, Any], sounds: list[dict[str, str]]) -> None:
    """Write the metadata without its megabytes of sound, and the sounds.
    The files are put in place when the stack closes."""
    text = json.dumps(metadata, indent=4)
    files.enter_context(replaced_when_complete(folder / METADATA_FILE)).write_text(text, encoding="utf-8")
    if not sounds:
        return
    samples = folder / SAMPLES_FOLDER
    samples.mkdir(exist_ok=True)
    for index, pair in enumerate(sounds):
        for side, sound in pair.items():
            path = samples / f"sample_{side}_{index}.mp3"
            files.enter_context(replaced_when_complete(path)).write_bytes(base64.b64decode(sound))
