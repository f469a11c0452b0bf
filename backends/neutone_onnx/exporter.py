"""The exporter ``onnx``: writes a wrapped model to a file that needs no PyTorch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from neutone.plugins import Exporter, ExportReport, boolean_option, refuse_unknown_options

if TYPE_CHECKING:
    from neutone.sdk import WaveformToWaveformBase


class OnnxExporter(Exporter):
    """An exporter of ``.onnx`` files. Options of :meth:`export`:

    - ``strict``: write nothing unless every check passes.
    """

    name: ClassVar[str] = "onnx"
    requires: ClassVar[tuple[str, ...]] = ("torch", "onnx", "onnxscript", "onnxruntime")
    extra: ClassVar[str] = "neutone[export]"
    suffix: ClassVar[str] = ".onnx"
    options: ClassVar[tuple[str, ...]] = ("strict",)

    def export(self, model: WaveformToWaveformBase, path: Path, **options: Any) -> ExportReport:
        refuse_unknown_options(self.name, options, self.options, "exporter")
        strict = boolean_option(options, "strict")
        from neutone.sdk import export_onnx

        return export_onnx(model, path, strict=strict)
