"""ONNX models through ONNX Runtime: a backend of neutone.

A model that neutone exported has inputs ``audio`` (C_in, N_LB + N), ``params`` (P, N) in 0..1 and ``state.NAME`` for
each state tensor, outputs ``audio_out`` (C_out, N) and ``next_state.NAME``, and its metadata as JSON under the key
``neutone``. Any other ONNX file with one audio input and one audio output of shape (C, N), (1, C, N) or (1, N) loads
too, with the rate and block given by the caller.

Sessions run through ONNX Runtime's C API, without the GIL (:mod:`neutone_onnx.native_session`); where its library is
not to be had, through Python (:class:`OnnxSession`).
"""

from neutone_onnx.backend import OnnxBackend
from neutone_onnx.exporter import OnnxExporter
from neutone_onnx.model import OnnxModel
from neutone_onnx.session import OnnxSession

__all__ = ["OnnxBackend", "OnnxExporter", "OnnxModel", "OnnxSession"]
