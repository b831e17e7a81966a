"""`prorata project`: keeps the read models up to date; `prorata lag`: how far behind they are."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated, Final

import msgspec
from cyclopts import Parameter, validators

from prorata.cli.operate.workers import Health, Once
from prorata.settings import Settings

if TYPE_CHECKING:
    from projections.live.projector import Counts
    from prorata.processes.running import AnnouncedProcess

NAME: Final = "project"
"""The name under which each worker announces itself."""

Workers = Annotated[
    int,
    Parameter(help="Processes that share the accounts out.", validator=validators.Number(gte=1, lte=8)),
]


def project(*, once: Once = False, workers: Workers = 1, health: Health = None) -> int:
    """Keep the read models in PostgreSQL up to date.

    All workers share the accounts out, also with those of other machines. The accounts of one that dies are
    taken over within seconds; with --workers it is started anew.
    """
    from projections.live.projector import Projector
    from prorata.wiring import opened_log

    settings = Settings.of()
    if once:
        with opened_log(settings) as log, Projector(settings.database_url, log) as projector:
            _print_counts(projector.run_once())
        return 0
    if workers > 1:
        return _supervise(settings, workers, health)
    from prorata.processes.running import at_work

    with at_work(settings, NAME, health) as process:
        return _follow(settings, process)


def _supervise(settings: Settings, workers: int, health: int | None) -> int:
    """Keep the workers alive. Each announces itself; the port for health answers for their supervisor."""
    from prorata.processes.running import offer_health
    from prorata.processes.stopping import stopping
    from prorata.supervisor import supervise

    stop = stopping()
    with ExitStack() as stack:
        offer_health(stack, settings, NAME, stop, health)
        return supervise(_work, workers, stop)


def _work() -> int:
    """Run one of several workers, in its own process; return an exit code."""
    from prorata.cli.terminal.failures import explained
    from prorata.processes.running import at_work
    from prorata.supervisor import set_with_parent

    try:
        settings = Settings.of()
        with at_work(msgspec.structs.replace(settings, health_port=None), NAME) as process:
            set_with_parent(process.stop)
            return _follow(settings, process)
    except Exception as error:  # noqa: BLE001 - the outermost place of this process
        return explained(error)


def _follow(settings: Settings, process: AnnouncedProcess) -> int:
    from projections.live.lane_shares import Shares
    from projections.live.projector import Projector
    from prorata.wiring import opened_log

    url = settings.database_url
    with opened_log(settings) as log, Shares(url) as shares, Projector(url, log, lanes=()) as projector:
        process.doing = lambda: _folds(projector.lanes)
        _print_counts(projector.run(process.stop, shares))
    return 0


def _folds(lanes: frozenset[int]) -> str:
    """What a worker does, such as "folds lanes 0 to 7"; its lanes are adjacent."""
    return f"folds lanes {min(lanes)} to {max(lanes)}" if lanes else "waits for a lane"


def _print_counts(counts: Counts) -> None:
    said = f"{counts.events} events folded, {counts.documents} documents written, {counts.parked} parked"
    print(said, flush=True)


def lag(*, json: Annotated[bool, Parameter(negative="", help="One JSON object a line.")] = False) -> int:
    """How far each read model is behind the log, lane by lane, and which worker holds the lane."""
    from eventlog.postgres.connect import connect
    from projections.live.lag import lags
    from prorata.cli.operate.project_screen import print_lags

    with connect(Settings.of().database_url, "prorata lag", reads_only=True) as connection:
        found = lags(connection)
    if json:
        for one in found:
            print(msgspec.json.encode(one).decode())
        return 0
    print_lags(found)
    return 0
