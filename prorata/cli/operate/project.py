"""`prorata project`: keeps the read models up to date; `prorata lag`: how far behind they are."""

from __future__ import annotations

from threading import Event
from typing import TYPE_CHECKING, Annotated

import msgspec
from cyclopts import Parameter, validators

from prorata.cli.operate.workers import Once, stopping
from prorata.settings import Settings

if TYPE_CHECKING:
    from eventlog import EventLog
    from projections.live.projector import Counts

Workers = Annotated[
    int,
    Parameter(help="Processes that share the accounts out.", validator=validators.Number(gte=1, lte=8)),
]


def project(*, once: Once = False, workers: Workers = 1) -> int:
    """Keep the read models in PostgreSQL up to date.

    All workers share the accounts out, also with those of other machines. The accounts of one that dies are
    taken over within seconds; with --workers it is started anew.
    """
    from projections.live.projector import Projector
    from prorata.supervisor import supervise
    from prorata.wiring import opened_log

    settings = Settings.of()
    if workers > 1 and not once:
        return supervise(_work, workers, stopping())
    with opened_log(settings) as log:
        if not once:
            return _follow(settings, log, stopping())
        with Projector(settings.database_url, log) as projector:
            _say(projector.run_once())
    return 0


def _work() -> int:
    """One of several workers, in a process of its own."""
    from prorata.cli.terminal.failures import explained
    from prorata.supervisor import set_with_parent
    from prorata.wiring import opened_log

    stop = stopping()
    set_with_parent(stop)
    try:
        settings = Settings.of()
        with opened_log(settings) as log:
            return _follow(settings, log, stop)
    except Exception as error:  # noqa: BLE001 - the last place of this process
        return explained(error)


def _follow(settings: Settings, log: EventLog, stop: Event) -> int:
    from projections.live.lane_shares import Shares
    from projections.live.projector import Projector

    url = settings.database_url
    with Shares(url) as shares, Projector(url, log, lanes=()) as projector:
        _say(projector.run(stop, shares))
    return 0


def _say(counts: Counts) -> None:
    said = f"{counts.events} events folded, {counts.documents} documents written, {counts.parked} parked"
    print(said, flush=True)


def lag(*, json: Annotated[bool, Parameter(negative="", help="One JSON object a line.")] = False) -> int:
    """How far each read model is behind the log, lane by lane, and which worker holds the lane."""
    import psycopg

    from projections.live.lag import lags
    from prorata.cli.terminal.tables import console, table

    with psycopg.connect(Settings.of().database_url, autocommit=True) as connection:
        found = lags(connection)
    if json:
        for one in found:
            print(msgspec.json.encode(one).decode())
        return 0
    shown = table("read model", ">lane", ">position", ">events behind", ">seconds", ">parked", "worker")
    for one in found:
        all_of_it = str(one.position), str(one.events), f"{one.seconds:.1f}", str(one.parked)
        shown.add_row(one.projection, "", *all_of_it, "")
        for lane in one.lanes:
            of_lane = str(lane.position), str(lane.events), f"{lane.seconds:.1f}"
            shown.add_row("", str(lane.lane), *of_lane, "", lane.worker or "nobody")
    console().print(shown)
    return 0
