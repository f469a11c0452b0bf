"""Drivers that look for failures with random input; README.md says how to run them."""
