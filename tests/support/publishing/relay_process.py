"""Relays in separate processes, to be killed or stopped from outside, or at a given point of their work.

    with RelayProcess(database_url, bootstrap, prefix, Fate("committing", 3, SIGKILL)) as relay:
        for progress in relay.transactions(): ...
        relay.wait()

They are forked from a process that has imported everything, so each starts in a tenth of a second.
"""

from __future__ import annotations

import multiprocessing.connection
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import count
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any, Final, NamedTuple, Self

from eventlog.postgres.log import PostgresEventLog
from publishing.clients import Broker
from publishing.envelope import Record
from publishing.holding import RelaySettings
from publishing.producing import ProducerSession
from publishing.relay import RelayProgress, run_relay
from publishing.watchdog import HUNG_EXIT

POINTS: Final = ("before sending", "half sent", "all sent", "committing", "committed")
"""The points at which a fate can strike; "committing" is while the commit is under way."""


class Fate(NamedTuple):
    """A signal that the process sends itself at that point of its nth transaction, over both streams."""

    where: str
    nth: int
    signum: signal.Signals


SETTINGS: Final = RelaySettings(
    batch=50, lease_seconds=1.0, beat_seconds=0.1, idle_seconds=0.0, commit_seconds=60
)

HASTY: Final = replace(SETTINGS, commit_seconds=5)
"""Settings with a short time-out for commits, since one that began before the broker died sometimes hangs."""

_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload([__name__])


class RelayProcess:
    """A relay that can be killed, stopped and continued; ended with the block, at the latest."""

    def __init__(
        self,
        database_url: str,
        bootstrap: Broker,
        prefix: str,
        fate: Fate | None = None,
        settings: RelaySettings = SETTINGS,
    ) -> None:
        self.reports, theirs = _processes.Pipe()
        arguments = theirs, database_url, bootstrap, prefix, fate, settings
        self._process = _processes.Process(target=_run, args=arguments)
        self._process.start()
        theirs.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.reports.close()
        self._process.kill()
        self._process.join()
        self._process.close()

    def transactions(self) -> Iterator[RelayProgress]:
        """Yield the progress of each transaction as it is committed, until the process ends."""
        try:
            while True:
                yield self.reports.recv()
        except EOFError:
            return

    def published(self, position: int) -> None:
        """Wait until both streams are published up to that position."""
        done: set[str] = set()
        for progress in self.transactions():
            if progress.position >= position:
                done.add(progress.stream)
            if done == {"events", "state"}:
                return
        raise AssertionError(f"the relay ended before it came to position {position}")

    def signal(self, signum: signal.Signals) -> None:
        """Send it a signal."""
        assert self._process.pid is not None
        os.kill(self._process.pid, signum)

    def end(self) -> int | None:
        """Ask it to stop, and wait."""
        self.reports.send("stop")
        return self.wait()

    def wait(self) -> int | None:
        """Wait for its end; return the exit code."""
        for _ in self.transactions():
            pass
        self._process.join(60)
        return self._process.exitcode


class SupervisedRelay:
    """A relay under a supervisor, which starts another after one that a hung transaction has ended."""

    def __init__(self, database_url: str, bootstrap: Broker) -> None:
        self._servers = database_url, bootstrap
        self._relay = self._started()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._relay.__exit__(kind, error, trace)

    def transactions(self) -> Iterator[RelayProgress]:
        """Yield the progress of each transaction as it is committed, for ever."""
        while True:
            yield from self._relay.transactions()
            assert self._relay.wait() == HUNG_EXIT
            self._relay.__exit__(None, None, None)
            self._relay = self._started()

    def published(self, position: int) -> None:
        """Wait until both streams are published up to that position."""
        done: set[str] = set()
        for progress in self.transactions():
            if progress.position >= position:
                done.add(progress.stream)
            if done == {"events", "state"}:
                return

    def end(self) -> int | None:
        """Ask it to stop, and wait."""
        return self._relay.end()

    def _started(self) -> RelayProcess:
        return RelayProcess(*self._servers, "", settings=HASTY)


def first_to_publish(*relays: RelayProcess) -> RelayProcess:
    """The first of these relays to commit a transaction."""
    ready = multiprocessing.connection.wait([relay.reports for relay in relays])
    return next(relay for relay in relays if relay.reports in ready)


def _run(
    report: Connection,
    database_url: str,
    bootstrap: Broker,
    prefix: str,
    fate: Fate | None,
    settings: RelaySettings,
) -> None:
    stop, lock = threading.Event(), threading.Lock()

    def end_when_told() -> None:
        report.recv()
        stop.set()

    def say(progress: RelayProgress) -> None:
        with lock:
            report.send(progress)

    threading.Thread(target=end_when_told, daemon=True).start()
    run_relay(
        PostgresEventLog(database_url),
        bootstrap,
        database_url,
        prefix=prefix,
        stop=stop,
        report=say,
        settings=settings,
        session_type=fated_session(fate, say) if fate else ProducerSession,
    )


def fated_session(fate: Fate, say: Callable[[RelayProgress], None]) -> type[ProducerSession]:
    """A session that meets its fate; it says `RelayProgress("fate", …)` right before."""
    transactions = count(1)

    def meet() -> None:
        say(RelayProgress("fate", 0, 0))
        os.kill(os.getpid(), fate.signum)

    class FatedSession(ProducerSession):
        def _send(self, records: Sequence[Record], sent: list[Any]) -> None:
            self._fated = next(transactions) == fate.nth
            half = len(records) // 2
            self._meet_if("before sending")
            super()._send(records[:half], sent)
            self._meet_if("half sent")
            super()._send(records[half:], sent)
            self._meet_if("all sent")

        def _commit(self) -> None:
            if self._fated and fate.where == "committing":
                threading.Timer(0.001, meet).start()
            super()._commit()
            self._meet_if("committed")

        def _meet_if(self, where: str) -> None:
            if self._fated and fate.where == where:
                self._producer.flush(10)
                meet()

    return FatedSession
