"""Wrapped PyTorch models as they are, not exported: the backend ``python``.

``neutone.load`` gives it instances of :class:`neutone.sdk.WaveformToWaveformBase`, and names such as
``"my_model.py:MyWrapper"`` or ``"package.module:MyWrapper"``, whose code is run. The model runs in eager mode, so it
can be heard, and stepped through in a debugger, before it is exported.
"""
