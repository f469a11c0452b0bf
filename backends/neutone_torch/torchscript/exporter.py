"""The exporter ``nm``: writes a wrapped model to a TorchScript file that hosts run without neutone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from neutone.errors import ConfigurationError
from neutone.plugins import Exporter, ExportReport, boolean_option, refuse_unknown_options

if TYPE_CHECKING:
    from neutone.sdk import WaveformToWaveformBase


class NmExporter(Exporter):
    """An exporter of ``.nm`` files. Options of :meth:`export`, all False by default:

    - ``samples``: put sounds into the file, and next to it as MP3.
    - ``strict``: write nothing unless every check passes.
    - ``freeze``: make the network's weights constants of its code.
    - ``optimize``: also let PyTorch rewrite the network for this machine's processor.
    - ``benchmark``: measure the speed in ten hosts.
    - ``force``: write a file whose state is lost at a reset, because it is not in buffers.
    """

    name: ClassVar[str] = "nm"
    requires: ClassVar[tuple[str, ...]] = ("torch",)
    extra: ClassVar[str] = "neutone[torch]"
    suffix: ClassVar[str] = ".nm"
    options: ClassVar[tuple[str, ...]] = ("samples", "strict", "freeze", "optimize", "benchmark", "force")

    def export(self, model: WaveformToWaveformBase, path: Path, **options: Any) -> ExportReport:
        refuse_unknown_options(self.name, options, self.options, "exporter")
        given = {name: boolean_option(options, name) for name in self.options}
        if path.suffix.lower() != self.suffix:
            raise ConfigurationError(f"{path} does not end in {self.suffix}")
        from neutone.sdk.export.nm.save import NmOptions, write_nm_file

        settings = NmOptions(
            dump_samples=given["strict"] or given["samples"],
            submission=given["strict"],
            audio_sample_pairs=None,
            max_n_samples=3,
            freeze=given["freeze"],
            optimize=given["optimize"],
            speed_benchmark=given["benchmark"],
            test_offline_mode=True,
            force=given["force"],
        )
        return write_nm_file(model, path, settings)

    def written_files(self, path: Path) -> list[Path]:
        samples = [path.with_name("samples") / f"sample_{side}_{i}.mp3" for i in range(3) for side in ("in", "out")]
        return [path, path.with_name("metadata.json"), *samples]
