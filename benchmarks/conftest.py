"""The peer's side runs in an environment of its own."""

collect_ignore = ["peer"]
