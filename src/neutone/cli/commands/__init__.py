"""The commands of ``neutone``, a module each."""
