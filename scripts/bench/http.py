"""The HTTP API: what a purchase and a look cost, and whether subscribers of the event stream keep up.

Server and load are a process each, on the same cores. The peers are our own: the same purchases in process,
and an empty route of the same server, so a ratio says what the API adds.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from functools import partial
from itertools import count
from pathlib import Path
from threading import Thread
from typing import Final
from uuid import uuid4

import msgspec
from msgspec.structs import replace

from eventlog.postgres.log import PostgresEventLog
from eventlog.records import Append, Head, NewEvent
from prorata.keys.key import NewKey
from prorata.keys.store import KeyStore
from prorata.settings import Settings
from scripts.bench import scratch as places
from scripts.bench.http_load import Round, Work
from scripts.bench.measured import Measured, against, in_turns
from scripts.bench.purchasing import Load, load_catalogue, run
from scripts.servers.processes import free_port
from tests.support.http_api import ended, started

SETTINGS: Final = {"PRORATA_API_RATE": "1000000", "PRORATA_ALLOW_TEST_GATEWAY": "true"}
SUBSCRIBERS: Final = 50
EVENTS_A_SECOND: Final = 500
BATCH: Final = 10
_AT: Final = datetime(2026, 1, 1, tzinfo=UTC)


def http(*, connections: int, seconds: float, rounds: int) -> Iterator[Measured]:
    """Yield a line for each comparison."""
    with places.database(Settings.of().database_url) as url:
        load_catalogue(url)
        with closing(KeyStore(url, None)) as keys:
            key = keys.create(NewKey("bench", "bench", "owner")).key
        with _serving(url) as server:
            of = Work("get", server.port, key, connections, seconds)
            yield from _looks(of, rounds)
            yield _purchases(url, of, rounds)
            yield _stream(url, of, server, seconds)


class Server(msgspec.Struct, frozen=True):
    """A running server."""

    port: int
    pid: int

    def megabytes(self) -> float:
        """What it has in memory."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS"):
                return int(line.split()[1]) / 1024
        raise AssertionError("it has ended")


@contextmanager
def _serving(url: str) -> Iterator[Server]:
    port = free_port()
    process = started(url, port, SETTINGS)
    try:
        yield Server(port, process.pid)
    finally:
        ended(process)


def _looks(of: Work, rounds: int) -> Iterator[Measured]:
    _load(replace(of, kind="buy", connections=1, seconds=0.01, name="look"))
    path = "/v1/accounts/look-0-0/entitlements/standard"
    sides = {
        "empty": partial(_load, replace(of, path="/healthz")),
        "look": partial(_load, replace(of, path=path)),
    }
    found = in_turns(sides, rounds)
    ours, empty = found["look"], found["empty"]
    about: dict[str, object] = {"connections": of.connections}
    rates = [one.rate for one in ours], [one.rate for one in empty]
    line = against(
        "http, may it be used", "answers/s", *rates, peer_is="an empty route of the same server", about=about
    )
    yield _with_waits(line, ours)
    waits = [one.p99 for one in ours], [one.p99 for one in empty]
    yield against(
        "http, may it be used, p99",
        "ms",
        *waits,
        peer_is="the empty route's",
        lower_is_better=True,
        about=about,
    )


def _purchases(url: str, of: Work, rounds: int) -> Measured:
    turns = count()

    def over_http() -> Round:
        return _load(replace(of, kind="buy", name=f"buy{next(turns)}"))

    def in_process() -> Round:
        bought = run(url, Load(of.connections, of.seconds), turn=f"in{next(turns)}")
        return Round(bought.rate, bought.p50, bought.p99)

    found = in_turns({"in process": in_process, "http": over_http}, rounds)
    ours = found["http"]
    line = against(
        "http, purchases",
        "purchases/s",
        [one.rate for one in ours],
        [one.rate for one in found["in process"]],
        peer_is="the same purchases in process",
        about={"connections": of.connections},
    )
    return _with_waits(line, ours)


def _stream(url: str, of: Work, server: Server, seconds: float) -> Measured:
    """How old events are when they come to the last of the subscribers."""
    with closing(PostgresEventLog(url)) as log:
        events = int(max(seconds, 5.0) * EVENTS_A_SECOND) // BATCH * BATCH
        after = log.last_position()
        before = server.megabytes()
        writing = Thread(target=_write, args=(log, events))
        writing.start()
        found = _load(
            replace(
                of,
                kind="subscribe",
                connections=SUBSCRIBERS,
                path=f"/v1/events/stream?after={after}",
                events=events,
            )
        )
        writing.join()
    line = against(
        "http, event stream, longest lag",
        "ms",
        [found.most],
        [1_000.0],
        peer_is="what is allowed",
        lower_is_better=True,
        about={
            "subscribers": SUBSCRIBERS,
            "events a second": EVENTS_A_SECOND,
            "events": events,
            "server grew by MB": round(server.megabytes() - before, 1),
        },
    )
    return _with_waits(line, [found])


def _write(log: PostgresEventLog, events: int) -> None:
    """Append so many events, each of an account of its own, at an even pace."""
    time.sleep(2.0)  # the subscribers are there
    begins = time.monotonic()
    for first in range(0, events, BATCH):
        time.sleep(max(0.0, begins + first / EVENTS_A_SECOND - time.monotonic()))
        opened = b'{"type":"account_opened","at":"2026-01-01T00:00:00Z","clock":"test","pad":"%b"}' % (
            b"x" * 600
        )
        log.append_many(
            [
                Append(
                    f"bench/{uuid4()}",
                    Head.NONE,
                    (NewEvent(uuid4(), None, "account_opened", 1, _AT, None, opened),),
                )
                for _ in range(BATCH)
            ]
        )


def _with_waits(line: Measured, rounds: list[Round]) -> Measured:
    return replace(
        line,
        p50_ms=round(sorted(one.p50 for one in rounds)[len(rounds) // 2], 2),
        p99_ms=round(sorted(one.p99 for one in rounds)[len(rounds) // 2], 2),
    )


def _load(work: Work) -> Round:
    done = subprocess.run(
        [sys.executable, "-m", "scripts.bench.http_load"],
        input=msgspec.json.encode(work),
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return msgspec.json.decode(done.stdout, type=Round)
