"""Plug-ins: inference runtimes (backends), audio hosts, and file formats to export to (exporters).

Their entry-point groups are ``neutone.backends``, ``neutone.hosts`` and ``neutone.exporters``.

A plug-in is a class that an installed distribution names in an entry point. neutone's own plug-ins are found the same
way. To add a backend, subclass :class:`Backend`, :class:`Model` and :class:`Session`, and name the backend class in
``pyproject.toml``::

    [project.entry-points."neutone.backends"]
    mine = "my_package:MyBackend"

Then ``neutone.load("file.mine")`` finds it. :class:`neutone.testing.BackendContract` tests it.
"""

from neutone.model.check_result import CheckResult
from neutone.model.contract import Model, ModelSummary, Session
from neutone.plugins.backend import Backend
from neutone.plugins.exporter import Exporter, ExportReport, HostTiming
from neutone.plugins.host import Host, HostStats, LiveHost
from neutone.plugins.live import Device, LiveRun, RunHost
from neutone.plugins.options import boolean_option, integer_option, refuse_unknown_options
from neutone.plugins.plugin import Plugin
from neutone.plugins.registry import PluginInfo, Registry, backends, exporters, hosts

__all__ = [
    "Backend",
    "CheckResult",
    "Device",
    "ExportReport",
    "Exporter",
    "Host",
    "HostStats",
    "HostTiming",
    "LiveHost",
    "LiveRun",
    "Model",
    "ModelSummary",
    "Plugin",
    "PluginInfo",
    "Registry",
    "RunHost",
    "Session",
    "backends",
    "boolean_option",
    "exporters",
    "hosts",
    "integer_option",
    "refuse_unknown_options",
]
