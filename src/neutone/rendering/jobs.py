"""Plan which file is rendered to which target. All errors in the plan are found before the first frame is rendered."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from neutone.errors import ConfigurationError
from neutone.file_replacement import ProtectedFiles


@dataclass(frozen=True)
class Job:
    """One file to render, and its target."""

    source: Path
    target: Path


def plan_jobs(inputs: Iterable[Path], output: Path, suffix: str | None, models: Iterable[Path] = ()) -> list[Job]:
    """Return a job for each audio file.

    Args:
        inputs: Files, and folders that are searched for audio files.
        output: The target file if there is a single input file, otherwise a folder.
        models: The model files, which must not be overwritten.
        suffix: The suffix, with the dot, of the files in the output folder; None to keep each input's own.
    """
    inputs = list(inputs)
    for path in (*inputs, output):
        if str(path) in ("", "."):  # probably an unset variable in a shell script
            raise ConfigurationError("an input or output is empty or the current folder: name it, such as ./takes")
    if ".." in output.parts:  # after a folder that does not exist yet, ".." would lead to files that do exist
        output = Path(os.path.realpath(output))
    if _is_single_file(inputs, output):
        if suffix is not None and output.suffix.lower() != suffix:
            raise ConfigurationError(f"{output} does not end in {suffix}, as --format says")
        jobs = [Job(inputs[0], output)]
    else:
        if output.exists() and not output.is_dir():
            single = "a name with a suffix such as .wav, or a folder"
            wanted = single if len(inputs) == 1 and not inputs[0].is_dir() else "a folder for more than one result"
            raise ConfigurationError(f"{output} is not a folder, expected {wanted}")
        jobs = [
            Job(source, output / (place if suffix is None else place.with_suffix(suffix)))
            for source, place in _places(inputs, output)
        ]
    if not jobs:
        raise ConfigurationError(f"no audio files in {', '.join(map(str, inputs))}")
    protected = ProtectedFiles([*(job.source for job in jobs), *models])
    for job in jobs:
        protected.refuse_as_target(job.target)
    _refuse_shared_targets(jobs)
    return jobs


def _is_single_file(inputs: list[Path], output: Path) -> bool:
    return len(inputs) == 1 and not inputs[0].is_dir() and bool(output.suffix) and not output.is_dir()


def _places(inputs: list[Path], output: Path) -> Iterator[tuple[Path, Path]]:
    """Yield each source with its path relative to the output folder."""
    for path in inputs:
        if path.is_dir():
            for found in _audio_files_below(path, output):
                yield found, found.relative_to(path)
        else:
            yield path, Path(path.name)


def _audio_files_below(folder: Path, output: Path) -> list[Path]:
    """Return the audio files below a folder, without hidden files, and without earlier results if `output` lies in
    it."""
    suffixes = _audio_suffixes()
    earlier = output.resolve()
    skip_earlier = earlier != folder.resolve()
    found = []
    for root, folders, names in os.walk(folder):
        folders[:] = [
            name
            for name in folders
            if not name.startswith(".") and not (skip_earlier and Path(root, name).resolve() == earlier)
        ]
        found += [
            Path(root, name)
            for name in names
            if not name.startswith(".") and Path(name).suffix.lower() in suffixes and Path(root, name).is_file()
        ]
    return sorted(found)


def _audio_suffixes() -> set[str]:
    import soundfile

    headerless = {"RAW"}
    return {f".{name.lower()}" for name in soundfile.available_formats().keys() - headerless} | {".aif"}


def _refuse_shared_targets(jobs: list[Job]) -> None:
    sources: dict[str, Path] = {}
    for job in jobs:
        first = sources.setdefault(os.path.realpath(job.target), job.source)  # two links may lead to one file
        if first is not job.source:
            raise ConfigurationError(f"both {first} and {job.source} would be written to {job.target}")
