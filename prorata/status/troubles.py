"""The troubles in a status: sentences on what a person has to look at, and what to do."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from prorata.processes.expected import RECOGNITION, command_of
from prorata.processes.table import Process
from prorata.status.report import Status

LATE: Final = 60.0
"""Seconds of lag beyond which it is a trouble."""

ARCHIVE_LATE: Final = timedelta(hours=25)
"""The age at which the archive's last day is a trouble: a day's file is missing an hour after that day's
end."""


def troubles(status: Status) -> Iterator[str]:
    """Yield the troubles, the gravest first."""
    if status.sequence is not None:
        yield status.sequence
    for halt in status.halts:
        yield f"{halt.name} halted: {halt.message}"
    yield from _absent(status)
    if not status.broker:
        yield status.broker_problem or "the broker does not answer"
    yield from _of_money(status)
    for what in status.unknown:
        yield f"{what} could not be counted: somebody has locked the table (see pg_locks)"
    for stopped in status.parked:
        yield f"{stopped.name}: {stopped.keys} parked"
    yield from _of_readers(status)
    if status.fence_seconds is not None and status.fence_seconds > LATE:
        yield f"settled reads are held back for {status.fence_seconds:.0f} seconds by {status.fence}"
    yield from _of_archives(status)
    yield from _of_versions(status)
    for left in status.leftovers:
        if left.unfinished and not left.running:
            yield f"{left.name} was left unfinished: {left.remedy}"


def _absent(status: Status) -> Iterator[str]:
    """Yield each process that should run and does not, with the command that starts it."""
    for name in status.expected:
        known = [process for process in status.processes if process.name == name]
        if not any(process.alive for process in known):
            yield f"{name} {_why(known)}: start it with `{command_of(name)}`"


def _why(known: list[Process]) -> str:
    if not known:
        return "does not run and never announced itself here"
    last = min(known, key=lambda process: process.idle_seconds)
    who = f"process {last.pid} on {last.host}"
    since = f"{last.idle_seconds:.0f} seconds"
    if last.state == "ended":
        return f"does not run: {who} ended {since} ago ({last.doing})"
    if last.state == "silent":
        return f"does not run: {who} gave its last sign of life {since} ago"
    return f"stands still: the loop of {who} has not turned for {since}; end it"


def _of_money(status: Status) -> Iterator[str]:
    if status.overdue.accounts:
        longest = f"the first one for {status.overdue.seconds / 60:.0f} minutes"
        yield f"overdue accounts: {status.overdue.accounts}, {longest}: see what `prorata bill` says of them"
    if status.unrecognised_days:
        command = command_of(RECOGNITION)
        yield f"days whose revenue is not recognised: {status.unrecognised_days}: run `{command}` daily"


def _of_readers(status: Status) -> Iterator[str]:
    for lag in (*status.projections, *status.relays, *status.consumers):
        if lag.seconds is not None and lag.seconds > LATE:
            yield f"{lag.name} is {lag.seconds:.0f} seconds behind"
    yield from _without_heartbeats(status)
    for lag in status.consumers:
        if lag.refused:
            yield (
                f"{lag.name} refused records that the relay cannot have written: {lag.refused}, one because "
                f"{lag.refused_reason}; find out who writes to the topics, `prorata relay --mend`, "
                f"then `prorata dlq refused {lag.name} --seen`"
            )
        if lag.ahead > LATE:
            yield f"{lag.name} has heard a heartbeat {lag.ahead:.0f} seconds ahead: forged, or a wrong clock"
        if lag.skipped:
            yield (
                f"{lag.name} passed over records of types unknown to its code: {lag.skipped}; run newer "
                f"code, then `prorata replay {lag.name}`"
            )


def _without_heartbeats(status: Status) -> Iterator[str]:
    """Yield consumers that run and have had no heartbeat from some partition: nothing is published where they
    read."""
    heard = {lag.name for lag in status.consumers if lag.seconds is not None}
    for process in status.processes:
        kind, _, consumer = process.name.partition(":")
        old = (status.at - process.started_at).total_seconds() > LATE
        if kind == "consume" and process.alive and old and consumer not in heard:
            yield (
                f"{consumer} has not heard of every partition of its topics: does the relay publish where it "
                "reads (PRORATA_KAFKA, PRORATA_KAFKA_PREFIX)?"
            )


def _of_archives(status: Status) -> Iterator[str]:
    for process in status.processes:
        done = process.done_until or process.started_at
        if process.name.startswith("archive:") and status.at - done > ARCHIVE_LATE:
            yield f"{process.name} is behind: no day's file since {done:%Y-%m-%d %H:%M}Z"


def _of_versions(status: Status) -> Iterator[str]:
    running: dict[str, list[str]] = {}
    for process in status.processes:
        if process.alive:
            running.setdefault(process.version, []).append(process.name)
    if len(running) > 1:
        said = "; ".join(f"{version}: {', '.join(sorted(set(names)))}" for version, names in running.items())
        yield f"processes run different code ({said}): start those of the older one anew"
