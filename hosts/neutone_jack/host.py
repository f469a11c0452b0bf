"""An engine as a JACK client."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from neutone import Engine
from neutone.errors import ConfigurationError
from neutone.plugins import Model, RunHost
from neutone_jack._callback import Callback
from neutone_jack.controllers import Controllers
from neutone_jack.device import JackDevice
from neutone_jack.library import load_library
from neutone_jack.registry import check_server_name
from neutone_jack.server import ServerSettings


def _check_names(name: object, server: object) -> None:
    if not isinstance(name, str) or not name or ":" in name or "\0" in name:
        raise ConfigurationError(
            f"name of the JACK client is {name!r}, expected some text without colons and NUL characters"
        )
    if server is not None:
        check_server_name(server)


class JackHost(RunHost[JackDevice]):
    """Ports ``in_1..``, ``out_1..`` and ``midi_in`` on a JACK server; the audio callback is C and never waits.

    JACK is told the engine's latency, so other clients can compensate for it. A change of the server's period or rate
    is followed within moments, in silence; while the server freewheels every block waits for the model, so a render has
    no gaps; when the server goes away the host stops and :attr:`error` says why.

    Args:
        engine: made with ``background=True``. Where its rate or block size is not the server's, :meth:`start` changes
            them; :meth:`open` makes one that fits.
        name: of the client; JACK may append to it, see :attr:`client_name`.
        connect: in ports from the system's physical capture ports, out ports to the playback ports (a single out port
            to the first two). Otherwise connections are made by other programs.
        cc: parameter names by MIDI controller number (0..119, on any channel): value 0 is the parameter's low end, 127
            its high end.
        server: name of the JACK server, by default the environment's JACK_DEFAULT_SERVER, or "default".

    Raises:
        neutone.errors.ConfigurationError: a name or number that cannot be.
        neutone.errors.UnknownParameterError: ``cc`` names a parameter that the model does not declare.
    """

    name: ClassVar[str] = "jack"
    requires: ClassVar[tuple[str, ...]] = ("jack",)
    extra: ClassVar[str] = "neutone[jack]"

    def __init__(
        self,
        engine: Engine,
        *,
        name: str = "neutone",
        connect: bool = False,
        cc: Mapping[int, str] | None = None,
        server: str | None = None,
    ) -> None:
        _check_names(name, server)
        super().__init__(engine)
        self._wanted_name = name
        self._connect = connect
        self._server = server
        self._callback = Callback(self._live.callback, engine.channels)
        self._controllers = Controllers(self._callback, list(engine.parameters), {} if cc is None else cc)

    @classmethod
    def open(
        cls,
        model: Model,
        *,
        channels: int | None = None,
        slack: int = 1,
        late: str = "silence",
        name: str = "neutone",
        connect: bool = False,
        cc: Mapping[int, str] | None = None,
        server: str | None = None,
        **engine_options: Any,
    ) -> Self:
        """A host, ready to start, with an engine of its own at the server's rate and period; :meth:`close` closes both.

        Args:
            model: what :func:`neutone.load` answers.
            channels: ports each way; by default as many as the model has on its wider side.
            slack: host blocks of latency that inference may take longer than its own block.
            late: what is heard of a block that is late nevertheless, see :class:`neutone.Engine`.
            engine_options: more of :class:`neutone.Engine`'s, e.g. ``resampler``.

        Raises:
            neutone.errors.ConfigurationError: a name or number that cannot be.
            neutone.errors.HostError: no server is running, or it does not answer, or this process is on another one.
            neutone.errors.MissingExtraError: JACK-Client or libjack is not installed.
        """
        _check_names(name, server)
        load_library().check_client_name(name)
        settings = ServerSettings.read(server)
        engine = cls._open_engine(
            model, settings.sample_rate, settings.period, channels, slack=slack, late=late, **engine_options
        )
        return cls._around(engine, name=name, connect=connect, cc=cc, server=server)

    def _make_device(self) -> JackDevice:
        self._callback = Callback(self._live.callback, self._engine.channels)
        self._controllers.move_to(self._callback)
        return JackDevice(
            self._engine, self._callback, name=self._wanted_name, server=self._server, connect=self._connect
        )

    @property
    def client_name(self) -> str:
        """The name that JACK gave to the client, e.g. "neutone-01" beside another one; before a start the one asked
        for."""
        run = self._run
        return self._wanted_name if run is None else run.device.client_name

    # -- MIDI ----------------------------------------------------------------------------------------------------------

    @property
    def cc_map(self) -> dict[int, str]:
        """Parameter names by MIDI controller number, learnt ones too; a copy."""
        return self._controllers.as_dict()

    def map_cc(self, number: int, parameter: str | None) -> None:
        """From now on controller `number` (0..119) sets `parameter`; None: nothing."""
        self._controllers.assign(number, parameter)

    def learn(self, parameter: str | None) -> None:
        """The next controller that arrives is mapped to `parameter`, and sets it at once; None: stop waiting."""
        self._controllers.learn(parameter)

    @property
    def learning(self) -> str | None:
        """The parameter that waits for a controller; None once one has arrived."""
        return self._controllers.learning
