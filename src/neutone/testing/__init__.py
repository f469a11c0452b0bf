"""Conformance tests for plug-ins. Subclass them in the plug-in's own test suite; they need pytest.

::

    class TestMyBackend(BackendContract):
        backend = MyBackend

        @pytest.fixture
        def model_file(self, tmp_path):
            return make_a_model(tmp_path / "model.mine")
"""

from neutone.testing.backend_contract import BackendContract
from neutone.testing.exporter_contract import ExporterContract
from neutone.testing.host_contract import HostContract

__all__ = ["BackendContract", "ExporterContract", "HostContract"]
