"""The billing run: accounts with a plan and two add-ons renewed, beside pgbench's plain INSERT of one row.

Each round renews all accounts for another month. The first one finds no kept states and folds each account's
two years of history. Between rounds the calendar is brought up to date, as a projector would.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import datetime
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Final

import msgspec
import psycopg

from prorata.settings import Settings
from scripts.bench import pgbench, scratch
from scripts.bench.measured import Measured, against, warmed
from scripts.bench.pgbench import SAME_TABLE, Pgbench
from scripts.bench.renewing import Renewed, caught_up, fill, month_after, renew
from scripts.bench.workload import bytes_per_event

MONTHS: Final = 24
CLIENTS: Final = 16
SLOW: Final = 0.1
"""Seconds that a charge takes at a provider that is far away."""
IN_FLIGHT: Final = 1_000
MOST: Final = IN_FLIGHT / SLOW
"""Charges a second, with so many in flight."""


def renewals(*, accounts: int, rounds: int) -> Iterator[Measured]:
    """Yield the rate of renewals beside the peer's inserts, with a slow provider, and of two runs."""
    with scratch.database(Settings.of().database_url) as url:
        months = _Months(url, accounts)
        about: dict[str, object] = {
            "accounts": accounts,
            "months of history": MONTHS,
            "commit_ms": scratch.commit_ms(url),
        }
        peer_is = f"{pgbench.NAME}, {SAME_TABLE.name}, {CLIENTS} clients"
        cold = months.renewed()
        found: list[tuple[_Spent, float | None, _Spent, _Spent]] = []
        for _ in range(rounds):
            inserted, fast = _inserts(url), months.renewed()
            found.append((fast, inserted, months.renewed(delay=SLOW), months.renewed(runs=2)))
        fasts, inserts, slows, twos = zip(*found, strict=True)
        known = [rate for rate in inserts if rate is not None]
        rates = [one.rate for one in fasts]
        yield against("renewals", "accounts/s", rates, known, peer_is=peer_is, about=about | _costs(fasts))
        yield against(
            "renewals, nothing kept", "accounts/s", [cold.rate], known, peer_is=peer_is, about=about
        )
        yield against(
            f"renewals, {SLOW * 1_000:.0f} ms at the provider",
            "accounts/s",
            [one.rate for one in slows],
            [min(MOST, rate) for rate in rates],
            peer_is="the smaller of 10,000 and without delay",
            about=about | {"in flight": IN_FLIGHT} | _costs(slows),
        )
        yield against(
            "renewals by two runs",
            "accounts/s",
            [one.rate for one in twos],
            rates,
            peer_is="one run",
            about=about | {"cores": os.cpu_count()},
        )
        yield against(
            "renewals by two runs, CPU",
            "µs/account",
            [one.cpu_each for one in twos],
            [one.cpu_each for one in fasts],
            peer_is="one run",
            lower_is_better=True,
            about=about | _costs(twos),
        )


class _Spent(msgspec.Struct, frozen=True):
    """Accounts a second; µs of processor time an account, of the runs and of the server."""

    rate: float
    run_cpu: float
    server_cpu: float

    @property
    def cpu_each(self) -> float:
        return self.run_cpu + self.server_cpu


def _costs(spent: tuple[_Spent, ...]) -> dict[str, object]:
    return {
        "run_cpu_us": round(median(one.run_cpu for one in spent)),
        "server_cpu_us": round(median(one.server_cpu for one in spent)),
    }


class _Months:
    """Renews all accounts, month after month."""

    def __init__(self, url: str, accounts: int) -> None:
        self._url = url
        self._accounts = accounts
        self._due = fill(url, accounts=accounts, months=MONTHS)

    def renewed(self, *, delay: float = 0.0, runs: int = 1) -> _Spent:
        """What a month took; each run is a process of its own."""
        server = _server(self._url)
        with ProcessPoolExecutor(runs, get_context("spawn")) as pool:
            list(pool.map(warmed, range(runs)))
            before = _cpu_of(server)
            one = partial(_renewed, self._url, self._due, delay, time.time() + 1.0)
            done = list(pool.map(one, range(runs)))
        billed = sum(run.accounts for run in done)
        if billed != self._accounts:
            raise RuntimeError(f"{billed} accounts were billed, and {self._accounts} were due")
        time.sleep(0.3)  # the server's processes have ended, and count
        server_cpu = _cpu_of(server) - before
        took = max(run.ended for run in done) - min(run.began for run in done)
        self._due = month_after(self._due)
        caught_up(self._url, self._due)
        each = 1e6 / self._accounts
        return _Spent(self._accounts / took, sum(run.cpu for run in done) * each, server_cpu * each)


def _renewed(url: str, until: datetime, delay: float, begin_at: float, _: int) -> Renewed:
    time.sleep(max(0.0, begin_at - time.time()))
    return renew(url, until, delay, IN_FLIGHT)


def _inserts(url: str) -> float | None:
    program = Pgbench.found()
    if program is None:
        return None
    pgbench.prepare(url, SAME_TABLE)
    return program.inserts(url, SAME_TABLE, size=round(bytes_per_event()), clients=CLIENTS, seconds=2)


def _server(url: str) -> int | None:
    """The process of the server, where it runs on this machine."""
    with psycopg.connect(url) as connection:
        stat = Path(f"/proc/{connection.info.backend_pid}/stat")
        return int(_fields(stat)[1]) if stat.exists() else None


def _cpu_of(server: int | None) -> float:
    """Seconds of processor time of the server and its processes, those that have ended too."""
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat") if server is not None else ():
        try:
            fields = _fields(stat)
        except OSError:
            continue  # it has ended
        if stat.parent.name == str(server):
            ticks += sum(map(int, fields[11:15]))
        elif int(fields[1]) == server:
            ticks += sum(map(int, fields[11:13]))
    return ticks / os.sysconf("SC_CLK_TCK")


def _fields(stat: Path) -> list[str]:
    """The fields after the command's name: state, parent, …"""
    return stat.read_text().rpartition(")")[2].split()
