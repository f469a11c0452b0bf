"""What tests share: models with known outputs, files made for a purpose, servers, other processes. One module each.

Tests and benchmarks import from here (``tests`` is on pytest's path); nothing here imports from them."""
