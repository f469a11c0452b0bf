"""The conformance tests of hosts."""

from __future__ import annotations

import pytest

from neutone.plugins.host import Host, HostStats, LiveHost


class HostContract:
    """The conformance tests of a host.
    Subclass it, override :meth:`make_host`, and override :meth:`feed` if the tests can feed the host audio."""

    def make_host(self) -> Host:
        """Return a host that is ready to start, with any model."""
        raise NotImplementedError("override make_host")

    def feed(self, host: Host) -> None:
        """Make at least one block go through a started host: call it, or wait for its audio system."""
        raise NotImplementedError("override feed")

    def test_has_a_name(self) -> None:
        assert self.make_host().name

    def test_processes_between_start_and_stop(self) -> None:
        host = self.make_host()
        host.start()
        self.feed(host)
        host.stop()
        assert host.stats.blocks >= 1

    def test_starting_twice_is_an_error(self) -> None:
        host = self.make_host()
        host.start()
        try:
            with pytest.raises(RuntimeError):
                host.start()
        finally:
            host.stop()

    def test_stopping_is_always_allowed(self) -> None:
        host = self.make_host()
        host.stop()
        host.start()
        host.stop()
        host.stop()

    def test_starts_again_after_a_stop(self) -> None:
        host = self.make_host()
        for _ in range(2):
            with host:
                self.feed(host)
            assert host.stats.blocks >= 1

    def test_stops_when_its_block_raises(self) -> None:
        host = self.make_host()
        with pytest.raises(KeyError), host:
            raise KeyError("from inside")
        host.start()
        host.stop()

    def test_a_live_host_tells_how_it_is(self) -> None:
        host = self.make_host()
        if not isinstance(host, LiveHost):
            pytest.skip("not a live host")
        assert not host.running
        assert host.engine.live is not None
        assert host.engine.live.stats.refused_blocks == 0
        with host:
            self.feed(host)
            assert host.running
            assert host.error is None
            assert host.engine.latency == host.latency
        assert not host.running
        assert host.error is None
        host.close()
        host.close()

    def test_stats_and_latency(self) -> None:
        host = self.make_host()
        with host:
            self.feed(host)
            stats = host.stats
        assert isinstance(stats, HostStats)
        assert stats.xruns >= 0
        assert stats.load >= 0.0
        assert stats.late_frames == 0
        assert host.latency.total == sum(host.latency)
