"""The exporter ``onnx``: writes a wrapped model to a file that needs no PyTorch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from neutone.plugins import Exporter, ExportReport, refuse_unknown_options

if TYPE_CHECKING:
    from neutone.sdk import WaveformToWaveformBase


class OnnxExporter(Exporter):
    """An exporter of ``.onnx`` files. It has no options."""

    name: ClassVar[str] = "onnx"
    requires: ClassVar[tuple[str, ...]] = ("torch", "onnx", "onnxscript", "onnxruntime")
    extra: ClassVar[str] = "neutone[export]"
    suffix: ClassVar[str] = ".onnx"

    def export(self, model: WaveformToWaveformBase, path: Path, **options: Any) -> ExportReport:
        refuse_unknown_options(self.name, options, self.options, "exporter")
        from neutone.sdk import export_onnx

        return export_onnx(model, path)
