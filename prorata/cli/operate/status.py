"""`prorata status` and `prorata metrics`: how everything stands, for people and for Prometheus."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec
from cyclopts import Parameter

from prorata.settings import Settings

if TYPE_CHECKING:
    from prorata.status import ReaderLag, Status


def status(*, json: Annotated[bool, Parameter(negative="", help="One JSON object.")] = False) -> int:
    """Lag of each read model, relay and consumer, parked keys, halts, and who holds back the log's readers.

    Exit 1: a person has to look at something, which is said in a sentence each.
    """
    from prorata.status import status_of
    from prorata.wiring import opened_log

    settings = Settings.of()
    with opened_log(settings) as log:
        found = status_of(settings, log)
    if json:
        print(msgspec.json.encode({**msgspec.structs.asdict(found), "troubles": found.troubles}).decode())
    else:
        _show(found)
    return 1 if found.troubles else 0


def metrics(
    *,
    port: Annotated[int, Parameter(help="Where Prometheus asks, on all addresses.")] = 9464,
) -> int:
    """Serve the same figures to Prometheus until stopped; they are asked for at each scrape."""
    from prometheus_client import CollectorRegistry, start_http_server

    from prorata.cli.operate.workers import stopping
    from prorata.metrics import StatusCollector
    from prorata.wiring import opened_log

    settings = Settings.of()
    stop = stopping()
    with opened_log(settings) as log:
        registry = CollectorRegistry(auto_describe=False)
        registry.register(StatusCollector(settings, log))
        server, thread = start_http_server(port, registry=registry)
        stop.wait()
        server.shutdown()
        thread.join()
    return 0


def _show(found: Status) -> None:
    from prorata.cli.terminal.tables import console, table

    out = console()
    shown = table("what", "name", ">position", ">behind")
    shown.add_row("log", "", str(found.log_position), "")
    kinds = (("read model", found.projections), ("relay", found.relays), ("consumer", found.consumers))
    for kind, lags in kinds:
        for lag in lags:
            shown.add_row(kind, lag.name, _position(lag), _behind(lag))
    out.print(shown)
    for trouble in found.troubles:
        out.print(f"! {trouble}")
    if not found.troubles:
        out.print("all is well")


def _position(lag: ReaderLag) -> str:
    return "none" if lag.position is None else str(lag.position)


def _behind(lag: ReaderLag) -> str:
    return "unknown" if lag.seconds is None else f"{lag.seconds:.1f} s"
