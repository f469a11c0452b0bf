"""DTLN, noise suppression for speech, as a backend of neutone.

N. L. Westhausen and B. T. Meyer, "Dual-Signal Transformation LSTM Network for Real-Time Noise Suppression", Proc.
Interspeech 2020, pp. 2477-2481, doi:10.21437/Interspeech.2020-2631. Code and weights: https://github.com/breizhn/DTLN.
"""

from neutone_dtln.backend import DtlnBackend, DtlnModel
from neutone_dtln.pretrained import model_path
from neutone_dtln.session import DtlnSession

__all__ = ["DtlnBackend", "DtlnModel", "DtlnSession", "model_path"]
