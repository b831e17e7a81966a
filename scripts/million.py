"""Everyone due on one day: a million accounts, a month old, with a plan and two add-ons, billed by `prorata
bill`.

    python -m scripts.servers run --only postgres -- python -m scripts.million
    python -m scripts.servers run --only postgres -- python -m scripts.million --kills 3

A database of its own is filled by COPY (8 GB for a million) and dropped. With kills the run is killed at even
distances and started again each time. Then every account has one renewal, paid once, and the gateway's books
say the same. The memory of the run is watched: printed are the most of the first quarter and the most of all.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final

import msgspec
import psycopg
from cyclopts import App, Parameter, validators

from prorata.settings import Settings
from scripts.bench import scratch
from scripts.bench.renewing import fill

app = App(name="python -m scripts.million", help="A million accounts that renew on one day.")
_RECOVER_AFTER: Final = "2"


class Billed(msgspec.Struct):
    """What was measured. `seconds`: from the first start to the last end, restarts included."""

    accounts: int
    kills: int
    filled_in: float
    seconds: float
    accounts_a_second: float
    memory_mb_early: float
    memory_mb_most: float


@app.default
def million(
    *,
    accounts: Annotated[int, Parameter(help="How many.", validator=validators.Number(gte=1))] = 1_000_000,
    kills: Annotated[
        int, Parameter(help="How often the run is killed.", validator=validators.Number(gte=0))
    ] = 0,
) -> int:
    """Fill, bill, check; print one JSON object."""
    with scratch.database(Settings.of().database_url) as url:
        began = time.monotonic()
        due = fill(url, accounts=accounts, months=0)
        filled_in = time.monotonic() - began
        end = _last_position(url)
        began = time.monotonic()
        memory = _bill(url, due, end, accounts, kills)
        seconds = time.monotonic() - began
        _check(url, end, accounts)
        early = memory[: max(1, len(memory) // 4)]
        billed = Billed(
            accounts,
            kills,
            round(filled_in, 1),
            round(seconds, 1),
            round(accounts / seconds, 1),
            max(early),
            max(memory),
        )
        print(msgspec.json.encode(billed).decode())
    return 0


def _bill(url: str, due: datetime, end: int, accounts: int, kills: int) -> list[float]:
    """Run `prorata bill` until everyone is billed; its memory in MB, twice a second."""
    memory: list[float] = []
    kill_at = [accounts * (nth + 1) // (kills + 1) for nth in range(kills)]
    while True:
        run = _started(url, due)
        while run.poll() is None:
            memory += [megabytes for megabytes in [_memory_mb(run.pid)] if megabytes is not None]
            time.sleep(0.5)
            if kill_at and _renewed(url, end) >= kill_at[0]:
                kill_at.pop(0)
                run.send_signal(signal.SIGKILL)
                print(f"killed after {_renewed(url, end):,} renewals", file=sys.stderr, flush=True)
        if run.returncode not in (0, -signal.SIGKILL):
            raise RuntimeError(f"the run ended with {run.returncode}")
        if run.returncode == 0 and _paid(url, end) == accounts:
            return memory


def _started(url: str, due: datetime) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "prorata", "bill", "--test-clock", "--until", due.isoformat(), "--once"]
    environment = os.environ | {"PRORATA_DATABASE_URL": url, "PRORATA_RECOVER_AFTER": _RECOVER_AFTER}
    return subprocess.Popen(command, env=environment, stdout=sys.stderr)


def _memory_mb(pid: int) -> float | None:
    """The resident memory of the process; None: it has ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return None
    found = [line.split()[1] for line in status.splitlines() if line.startswith("VmRSS")]
    return round(int(found[0]) / 1024, 1) if found else None


_EVENTS_SINCE: Final = """
    select count(*), count(distinct account_id) from public.events
    where position > %(end)s and type = %(type)s
"""


def _check(url: str, end: int, accounts: int) -> None:
    """Raise RuntimeError unless each account has one renewal, paid once, and the gateway says the same."""
    with psycopg.connect(url) as connection:
        for kind in ("cycles_renewed", "invoice_paid"):
            values = {"end": end, "type": kind}
            [found] = connection.execute(_EVENTS_SINCE, values).fetchall()
            if found != (accounts, accounts):
                raise RuntimeError(f"{kind}: {found[0]} of {found[1]} accounts, and {accounts} were due")
        [books] = connection.execute(
            "select count(*), count(distinct account_id) from service.gateway_payments where answer = 'paid'"
        ).fetchall()
        if books != (accounts, accounts):
            raise RuntimeError(f"the gateway was paid {books[0]} times by {books[1]} of {accounts} accounts")


def _paid(url: str, end: int) -> int:
    return _count(url, end, "invoice_paid")


def _renewed(url: str, end: int) -> int:
    """Renewals so far, about: what was appended, two events each."""
    return (_last_position(url) - end) // 2


def _count(url: str, end: int, kind: str) -> int:
    with psycopg.connect(url) as connection:
        [[events, _]] = connection.execute(_EVENTS_SINCE, {"end": end, "type": kind}).fetchall()
        return int(events)


def _last_position(url: str) -> int:
    with psycopg.connect(url) as connection:
        [[last]] = connection.execute(
            "select position from public.events order by position desc limit 1"
        ).fetchall()
        return int(last)


if __name__ == "__main__":
    sys.exit(app())
