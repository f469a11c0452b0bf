"""The JACK host: plays an engine as a client of a JACK server."""

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
    """Plays an engine with ports ``in_1..``, ``out_1..`` and ``midi_in`` on a JACK server. The audio callback is
    written in C and never waits.

    JACK is told the engine's latency, so other clients can compensate for it. If the server changes its period or
    sample rate, the host follows within moments, with silence in between. While the server freewheels, every block
    waits for the model, so that a render has no gaps. If the server goes away, the host stops, and :attr:`error` says
    why.

    Args:
        engine: The engine, made with ``background=True``. If its sample rate or block size is not the server's,
            :meth:`start` changes them; :meth:`open` makes an engine that fits.
        name: The name of the client. JACK may append to it, see :attr:`client_name`.
        connect: Connect the physical capture ports to the in ports, and the out ports to the physical playback ports (a
            single out port to the first two). Otherwise, other programs make the connections.
        cc: A mapping from MIDI controller numbers (0..119, on any channel) to parameter names. The controller value 0
            is the low end of the parameter's range, 127 the high end.
        server: The name of the JACK server. By default it is the environment's JACK_DEFAULT_SERVER, or "default".

    Raises:
        neutone.errors.ConfigurationError: A name or number is not valid.
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
        """Make a host that is ready to start, with an engine of its own at the server's rate and period. :meth:`close`
        closes both.

        Args:
            model: The model to run, as :func:`neutone.load` returns it.
            channels: The number of ports each way; by default the model's input or output channels, whichever are more.
            slack: How many host blocks the model has to compute its output; they add to the latency.
            late: What is heard if the model is late, see :class:`neutone.Engine`.
            name, connect, cc, server: As in the constructor.
            engine_options: Further options of :class:`neutone.Engine`, such as ``resampler``.

        Raises:
            neutone.errors.ConfigurationError: A name or number is not valid.
            neutone.errors.HostError: No server is running, or it does not answer, or this process already uses another
                one.
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
        """The name that JACK gave to the client, such as "neutone-01" if there is another one.
        Before the start it is the name that was asked for."""
        run = self._run
        return self._wanted_name if run is None else run.device.client_name

    # -- MIDI ----------------------------------------------------------------------------------------------------------

    @property
    def cc_map(self) -> dict[int, str]:
        """Return a mapping from MIDI controller numbers to parameter names, including learnt ones. It is a copy."""
        return self._controllers.as_dict()

    def map_cc(self, number: int, parameter: str | None) -> None:
        """Let controller `number` (0..119) set `parameter` from now on, or nothing if it is None."""
        self._controllers.assign(number, parameter)

    def learn(self, parameter: str | None) -> None:
        """Map the next controller that arrives to `parameter`, which it sets at once.
        None stops waiting for a controller."""
        self._controllers.learn(parameter)

    @property
    def learning(self) -> str | None:
        """The parameter that waits for a controller, or None if none does.
        It becomes None once a controller has arrived."""
        return self._controllers.learning
