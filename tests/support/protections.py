"""The protections that this system has to confine a process, and the mark of tests that need all of them."""

import pytest

from neutone.sandbox import available_protections

AVAILABLE = available_protections()
needs_both = pytest.mark.skipif(not AVAILABLE.is_complete, reason="this system has not both Landlock and seccomp")
