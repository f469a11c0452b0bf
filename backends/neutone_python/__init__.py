"""Wrapped PyTorch models as they are, not exported: a backend of neutone.

``neutone.load`` gives it instances of :class:`neutone.sdk.WaveformToWaveformBase`, and names such as
``"my_model.py:MyWrapper"`` or ``"package.module:MyWrapper"``, whose code is run. The model runs in eager mode, so it
can be heard, and stepped through in a debugger, before it is exported.

``import neutone_python`` imports no torch; loading a model does.
"""

from neutone_python.backend import PythonBackend
from neutone_python.model import PythonModel
from neutone_python.session import PythonSession

__all__ = ["PythonBackend", "PythonModel", "PythonSession"]
