"""The native stream's schedule and queues once more in TorchScript, for hosts that run ``.nm`` files by themselves."""
