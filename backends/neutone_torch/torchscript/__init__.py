"""TorchScript files: the backend ``torchscript``.

Two kinds of files can be loaded. A ``.nm`` file is a TorchScript archive with ``metadata.json`` inside, as Neutone's
hosts read it. The file wraps the model in queues and resamplers; the model is taken out of them and run by neutone's
own stream. Any other archive (``.ts``, ``.pt``, ``.pth``) is a module that turns audio into audio, (C, N) -> (C, N) or
(1, C, N) -> (1, C, N). Its channels are found out by running it on silence.
"""
