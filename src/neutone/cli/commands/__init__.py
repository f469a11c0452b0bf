"""The commands of ``neutone``, one module each."""
