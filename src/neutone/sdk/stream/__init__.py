"""The schedule and the queues of the native stream in TorchScript, for hosts that run ``.nm`` files without neutone."""
