"""Plug-ins: inference runtimes (group ``neutone.backends``) and audio hosts (group ``neutone.hosts``).

A plug-in is a class named by an entry point of an installed distribution; neutone's own take the same road. To add a
backend, subclass :class:`Backend`, :class:`Model` and :class:`Session`, and name the class in ``pyproject.toml``::

    [project.entry-points."neutone.backends"]
    mine = "my_package:MyBackend"

Then ``neutone.load("file.mine")`` finds it. :class:`neutone.testing.BackendContract` tests it.
"""

from neutone.model.contract import Model, ModelSummary, Session
from neutone.plugins.backend import Backend
from neutone.plugins.host import Host, HostStats, LiveHost
from neutone.plugins.live import LiveRun, RunHost
from neutone.plugins.options import integer_option, refuse_unknown_options
from neutone.plugins.registry import PluginInfo, Registry, backends, hosts

__all__ = [
    "Backend",
    "Host",
    "HostStats",
    "LiveHost",
    "LiveRun",
    "Model",
    "ModelSummary",
    "PluginInfo",
    "Registry",
    "RunHost",
    "Session",
    "backends",
    "hosts",
    "integer_option",
    "refuse_unknown_options",
]
