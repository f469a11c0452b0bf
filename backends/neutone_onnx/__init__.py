"""ONNX models through ONNX Runtime: a backend of neutone.

A model exported by neutone has the inputs ``audio`` (C_in, N_LB + N), ``params`` (P, N) in 0..1 and ``state.NAME`` for
each state tensor. Its outputs are ``audio_out`` (C_out, N) and ``next_state.NAME``. Its metadata are JSON under the key
``neutone``. Any other ONNX file with one audio input and one audio output of shape (C, N), (1, C, N) or (1, N) can be
loaded too; then the caller gives the sample rate and the block size.

Sessions run through ONNX Runtime's C API, without the GIL (:mod:`neutone_onnx.native_session`). If its library cannot
be used, they run through Python (:class:`OnnxSession`).
"""

from neutone_onnx.backend import OnnxBackend
from neutone_onnx.exporter import OnnxExporter
from neutone_onnx.model import OnnxModel
from neutone_onnx.session import OnnxSession

__all__ = ["OnnxBackend", "OnnxExporter", "OnnxModel", "OnnxSession"]
