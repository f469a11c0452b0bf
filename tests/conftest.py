"""What all tests share."""

import os

import pytest
from hypothesis import HealthCheck, settings

pytest.register_assert_rewrite("support")  # so that assertions that fail in helpers also show their values

settings.register_profile("default", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
settings.register_profile("thorough", parent=settings.get_profile("default"), max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))

# The first runs only against the installed wheel, from a folder without this file. The second needs neutone_sdk.
collect_ignore = ["wheel", "support/peer_models.py"]
