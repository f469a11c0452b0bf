"""TorchScript files: the backend ``torchscript``.

Two kinds of files load. A ``.nm`` file is a TorchScript archive with ``metadata.json`` inside, as Neutone's hosts read
it; the model is taken out of the queues and resamplers that the file wraps it in, and driven by neutone's own stream.
Any other archive (``.ts``, ``.pt``, ``.pth``) is a module from audio to audio, (C, N) -> (C, N) or (1, C, N) ->
(1, C, N), whose channels are found out by running it on silence.
"""
