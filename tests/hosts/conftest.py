"""Fixtures that the tests of live hosts share."""

import pytest

from neutone_jack import JackHost
from support.jack_measuring import MeasuringClient


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    """A program that sends a signal through a JACK client, and records it."""
    return MeasuringClient(tmp_path_factory.mktemp("jack"))


@pytest.fixture
def hosts():
    """Return a function that makes a JACK host around a model. The hosts are closed at the end."""
    made = []

    def make(model, server, **options):
        host = JackHost.open(model, **{"slack": 4, "server": server.name, **options})
        made.append(host)
        return host

    yield make
    for host in made:
        host.close()
