"""The backend ``python``: runs wrapped PyTorch models that have not been exported.

``neutone.load`` gives it instances of :class:`neutone.sdk.WaveformToWaveformBase`, and names such as
``"my_model.py:MyWrapper"`` or ``"package.module:MyWrapper"``, whose code is run. The model runs in eager mode, so you
can hear it, and step through it in a debugger, before exporting it.
"""
