"""A process announces itself in the table of processes, from a thread with its own connection.

    with Announcement(database_url, "project", stop) as announced:
        announced.doing = lambda: "lanes 0 to 7"
        projector.run(stop)

The work never waits for a beat. While the database is away, beats are skipped.
"""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable
from datetime import datetime
from threading import Event, Thread
from types import TracebackType
from typing import Final, Self, TypeVar
from uuid import uuid4

import psycopg

from eventlog.errors import WrongDatabase
from eventlog.postgres.connect import connect
from prorata.processes import table
from prorata.processes.stopping import StopSignal
from prorata.processes.table import Beat
from prorata.processes.version import code_version

logger = logging.getLogger(__name__)

T = TypeVar("T")

_END_PATIENCE: Final = 3.0
"""Seconds for which an ending process waits until its end is recorded."""


class Announcement:
    """A process's row in the table, for the time of a `with`. `doing` and `done_until` are called at each
    beat, in another thread than the work's."""

    def __init__(self, database_url: str, name: str, stop: StopSignal, *, beat: float = table.BEAT) -> None:
        self.name = name
        self.doing: Callable[[], str] = lambda: "at work"
        self.done_until: Callable[[], datetime | None] = lambda: None
        self._database_url = database_url
        self._stop = stop
        self._beat = beat
        self._id = uuid4()
        self._last_words: str | None = None
        self._ending = Event()
        self._thread = Thread(target=self._run, name="announces", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._last_words = "stopped" if error is None else f"{type(error).__name__}: {error}"[:500]
        self._ending.set()
        self._thread.join(_END_PATIENCE)

    def _run(self) -> None:
        told = False
        while not self._ending.is_set():
            try:
                with connect(self._database_url, f"prorata {self.name}, announcing") as connection:
                    table.announce(connection, self._beat_now())
                    told = False
                    while not self._ending.wait(self._beat):
                        table.write(connection, self._beat_now())
                    table.write(connection, self._beat_now())
                return
            except (psycopg.Error, WrongDatabase) as error:
                if not told:
                    told = True
                    logger.warning("%s cannot announce itself: %s", self.name, str(error).partition("\n")[0])
            self._ending.wait(self._beat)

    def _beat_now(self) -> Beat:
        return Beat(
            id=self._id,
            name=self.name,
            host=socket.gethostname(),
            pid=os.getpid(),
            version=code_version(),
            idle=self._stop.idle_seconds(),
            doing=self._last_words or _called_or(self.doing, "at work"),
            done_until=_called_or(self.done_until, None),
            ended=self._last_words is not None,
        )


def announce_done(database_url: str, name: str, done_until: datetime) -> None:
    """Record up to which instant a job that runs now and then is done. A failure is logged, not raised."""
    beat = Beat(
        uuid4(), name, socket.gethostname(), os.getpid(), code_version(), 0.0, "done", done_until, ended=True
    )
    try:
        with connect(database_url, f"prorata {name}, announcing") as connection:
            table.announce(connection, beat)
    except (psycopg.Error, WrongDatabase) as error:
        logger.warning("%s cannot be noted as done: %s", name, str(error).partition("\n")[0])


def _called_or(ask: Callable[[], T], otherwise: T) -> T:
    try:
        return ask()
    except Exception:
        logger.debug("a process does not know what it does", exc_info=True)
        return otherwise
