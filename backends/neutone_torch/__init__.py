"""PyTorch as a runtime: the backends ``torchscript`` (for files) and ``python`` (for wrapped models, not exported).

``import neutone_torch`` does not import torch; loading a model does.
"""

from neutone_torch.eager.backend import PythonBackend
from neutone_torch.eager.model import PythonModel
from neutone_torch.eager.session import PythonSession
from neutone_torch.torchscript.backend import TorchScriptBackend
from neutone_torch.torchscript.exporter import NmExporter
from neutone_torch.torchscript.model import TorchScriptModel
from neutone_torch.torchscript.session import TorchScriptSession

__all__ = [
    "NmExporter",
    "PythonBackend",
    "PythonModel",
    "PythonSession",
    "TorchScriptBackend",
    "TorchScriptModel",
    "TorchScriptSession",
]
