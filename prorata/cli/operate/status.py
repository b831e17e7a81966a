"""`prorata status` and `prorata metrics`: the state of the whole system, for people and for Prometheus."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec
from cyclopts import Parameter, validators

from domain.errors import InvalidInput
from prorata.cli.operate.workers import Health
from prorata.settings import Settings

if TYPE_CHECKING:
    from rich.table import Table

    from prorata.processes.table import Process
    from prorata.status.report import ReaderLag, Status


def status(
    *,
    json: Annotated[bool, Parameter(negative="", help="One JSON object.")] = False,
    patience: Annotated[
        float, Parameter(help="Seconds to wait for the broker.", validator=validators.Number(gt=0))
    ] = 0.6,
    forget: Annotated[
        str | None,
        Parameter(help="Only forget a process that is gone, such as metrics: it is expected no more."),
    ] = None,
) -> int:
    """What runs and what should, lags, parked keys, halts, and who holds back the log's readers.

    Exit 1: a person has to look at something, which is said in a sentence each.
    """
    settings = Settings.of()
    if forget is not None:
        return _forget(settings, forget)
    from prorata.status.asking import status_of

    found = status_of(settings, patience=patience)
    if json:
        print(msgspec.json.encode({**msgspec.structs.asdict(found), "troubles": found.troubles}).decode())
    else:
        _show(found)
    return 1 if found.troubles else 0


def metrics(
    *,
    port: Annotated[
        int, Parameter(help="Where Prometheus asks.", validator=validators.Number(gte=1, lte=65535))
    ] = 9464,
    listen: Annotated[
        str | None,
        Parameter(
            help="Address to be asked at, such as 0.0.0.0 for all; default: PRORATA_LISTEN, 127.0.0.1."
        ),
    ] = None,
    health: Health = None,
) -> int:
    """Serve the same figures to Prometheus until stopped; they are asked for at each scrape."""
    from prometheus_client import CollectorRegistry, start_http_server

    from prorata.metrics import StatusCollector
    from prorata.processes.health import usable_port
    from prorata.processes.running import at_work

    settings = Settings.of()
    address = listen or settings.listen
    registry = CollectorRegistry(auto_describe=True)
    registry.register(StatusCollector(settings))
    with usable_port(address, port, "--port"):
        server, thread = start_http_server(port, addr=address, registry=registry)
    try:
        with at_work(settings, "metrics", health) as process:
            process.doing = lambda: f"answers at {address}:{port}"
            while not process.stop.wait(1.0):
                pass
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    return 0


def _forget(settings: Settings, name: str) -> int:
    from eventlog.postgres.connect import connect
    from prorata.processes.table import forget

    with connect(settings.database_url, "prorata status") as connection:
        gone = forget(connection, name)
    if not gone:
        raise InvalidInput("not_gone", "--forget", f"no process {name!r} is known here that is gone")
    print(f"{name} is forgotten")
    return 0


def _show(found: Status) -> None:
    from prorata.cli.terminal.tables import console, hanging

    out = console()
    out.print(_readers(found))
    out.print()
    out.print(_processes(found))
    for left in found.leftovers:
        if left.running:
            hanging(out, "·", f"{left.name} is being made now")
        elif not left.unfinished:
            hanging(out, "·", f"{left.name} is kept: {left.remedy}")
    for trouble in found.troubles:
        hanging(out, "!", trouble, "red")
    if not found.troubles:
        out.print("all is well")


def _readers(found: Status) -> Table:
    from prorata.cli.terminal.tables import table

    shown = table("what", "name", ">position", ">behind")
    shown.add_row("log", "", str(found.log_position), "")
    kinds = (("read model", found.projections), ("relay", found.relays), ("consumer", found.consumers))
    for kind, lags in kinds:
        for lag in lags:
            shown.add_row(kind, lag.name, _position(lag), _lag_text(lag))
    return shown


def _processes(found: Status) -> Table:
    """A table of the known and the expected processes."""
    from domain.texts import escaped
    from prorata.cli.terminal.tables import table

    shown = table("process", "where", "state", "does")
    for process in found.processes:
        where = f"{process.host} {process.pid}"
        shown.add_row(*map(escaped, (process.name, where, _state(process), process.doing)))
    known = {process.name for process in found.processes}
    for name in found.expected:
        if name not in known:
            shown.add_row(escaped(name), "", "absent", "")
    return shown


def _state(process: Process) -> str:
    return process.state if process.alive else f"{process.state}, {process.idle_seconds:.0f} s"


def _position(lag: ReaderLag) -> str:
    return "none" if lag.position is None else str(lag.position)


def _lag_text(lag: ReaderLag) -> str:
    return "unknown" if lag.seconds is None else f"{lag.seconds:.1f} s"
