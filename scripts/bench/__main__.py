"""Measure how fast each part is, next to a peer that does the same: `python -m scripts.bench append --json`.

Benchmarks that need PostgreSQL use the server of PRORATA_DATABASE_URL, with databases of their own that are
dropped afterwards. docs/performance.md explains what they print.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import App, Parameter, validators

from prorata.settings import Settings

if TYPE_CHECKING:
    from scripts.bench.measured import Measured

app = App(
    name="python -m scripts.bench",
    help="How fast the parts are, measured on this machine.",
    help_flags=["--help", "-h"],
    version_flags=[],
    result_action="return_value",
)
_positive = validators.Number(gte=1)

Json = Annotated[bool, Parameter(negative="", help="One JSON object a line.")]
Rounds = Annotated[int, Parameter(help="Measurements of each; the median counts.", validator=_positive)]
Seconds = Annotated[float, Parameter(help="Of each measurement.", validator=validators.Number(gt=0))]
Events = Annotated[int, Parameter(help="Events in the log that is made.", validator=_positive)]
PeerEvents = Annotated[
    int, Parameter(help="Events of them that the peer projects: it is slow.", validator=_positive)
]
Workers = Annotated[int, Parameter(help="Processes of ours.", validator=_positive)]


@app.command
def domain(*, rounds: Rounds = 15, json: Json = False) -> int:
    """The rules alone: commands decided, renewals settled and events folded, a second of one core."""
    from scripts.bench.domain import domain as measure

    return _print(measure(rounds=rounds), json=json)


@app.command
def append(
    *,
    callers: Annotated[int, Parameter(help="Callers at once, of each side.", validator=_positive)] = 16,
    seconds: Seconds = 2.0,
    rounds: Rounds = 5,
    json: Json = False,
) -> int:
    """Durable appends of one event each, beside the package's recorder and pgbench's INSERTs."""
    from scripts.bench.append import append as measure

    return _print(measure(callers=callers, seconds=seconds, rounds=rounds), json=json)


@app.command
def commands(
    *,
    callers: Annotated[int, Parameter(help="Callers at once, of each side.", validator=_positive)] = 16,
    seconds: Seconds = 2.0,
    rounds: Rounds = 5,
    json: Json = False,
) -> int:
    """Purchases by the service for servers, beside our own appends and a peer that saves twice."""
    from scripts.bench.commands import commands as measure

    return _print(measure(callers=callers, seconds=seconds, rounds=rounds), json=json)


@app.command
def hot(
    *,
    callers: Annotated[int, Parameter(help="Callers at once.", validator=_positive)] = 16,
    seconds: Seconds = 2.0,
    rounds: Rounds = 5,
    json: Json = False,
) -> int:
    """Purchases for one account by many callers at once, beside one caller."""
    from scripts.bench.hot import hot as measure

    return _print(measure(callers=callers, seconds=seconds, rounds=rounds), json=json)


@app.command
def screens(
    *,
    accounts: Annotated[int, Parameter(help="Accounts that are looked at.", validator=_positive)] = 500,
    callers: Annotated[int, Parameter(help="Callers at once.", validator=_positive)] = 16,
    seconds: Seconds = 2.0,
    rounds: Rounds = 5,
    json: Json = False,
) -> int:
    """The shop page as an API asks for it, kept for as long as it stays the same, beside made anew."""
    from scripts.bench.screens import screens as measure

    return _print(measure(accounts=accounts, callers=callers, seconds=seconds, rounds=rounds), json=json)


@app.command
def http(
    *,
    connections: Annotated[int, Parameter(help="Connections at once.", validator=_positive)] = 64,
    seconds: Seconds = 3.0,
    rounds: Rounds = 3,
    json: Json = False,
) -> int:
    """Purchases and looks over HTTP, beside the same in process and an empty route; subscribers' lag."""
    from scripts.bench.http import http as measure

    return _print(measure(connections=connections, seconds=seconds, rounds=rounds), json=json)


@app.command
def read(*, events: Events = 100_000, workers: Workers = 2, rounds: Rounds = 5, json: Json = False) -> int:
    """The whole log read and decoded, beside the package's notifications."""
    from scripts.bench.read import read as measure

    return _print(measure(events=events, rounds=rounds, workers=workers), json=json)


@app.command
def live(
    *,
    events: Events = 50_000,
    peer_events: PeerEvents = 2_000,
    workers: Workers = 2,
    rounds: Rounds = 3,
    json: Json = False,
) -> int:
    """All read models following the log, beside the package's projection runner."""
    from scripts.bench.live import live as measure

    return _print(measure(events=events, peer_events=peer_events, rounds=rounds, workers=workers), json=json)


@app.command
def rebuild(
    *,
    events: Events = 1_000_000,
    peer_events: PeerEvents = 2_000,
    workers: Workers = 2,
    projection: Annotated[
        Literal["entitlements", "access_windows", "invoices", "credit_notes", "calendar"],
        Parameter(help="Which read model."),
    ] = "entitlements",
    rounds: Rounds = 3,
    json: Json = False,
) -> int:
    """One read model made anew from the whole log, beside the package's projection runner."""
    from scripts.bench.rebuild import rebuild as measure

    return _print(
        measure(
            events=events, peer_events=peer_events, rounds=rounds, workers=workers, projection=projection
        ),
        json=json,
    )


@app.command
def verify(*, events: Events = 200_000, workers: Workers = 2, rounds: Rounds = 3, json: Json = False) -> int:
    """Every account's hash chain checked."""
    from scripts.bench.verify import verify as measure

    return _print(measure(events=events, rounds=rounds, workers=workers), json=json)


@app.command
def generate(
    *,
    events: Events = 1_000_000,
    seed: Annotated[int, Parameter(help="Other histories, the same ones for the same number.")] = 1,
    workers: Annotated[int, Parameter(help="Processes that append.", validator=_positive)] = 2,
) -> int:
    """Fill the log of PRORATA_DATABASE_URL, which must be migrated and empty, with histories of the domain's.

    The log stays. It holds accounts of the tenant `bench` on a test clock.
    """
    from scripts.bench.generate import check_empty, fill
    from scripts.bench.workload import bytes_per_event

    url = Settings.of().database_url
    check_empty(url)
    fill(url, events, seed=seed, workers=workers)
    print(f"{events:,} events of {bytes_per_event(seed):,.0f} bytes on average")
    return 0


@app.command
def publish(
    *,
    events: Events = 50_000,
    domain_events: Annotated[
        bool, Parameter(negative="", help="The domain's own events instead of made ones of 300 bytes.")
    ] = False,
    rounds: Rounds = 5,
    json: Json = False,
) -> int:
    """The relay's event stream, beside a plain producer without headers, transactions or a log."""
    from scripts.bench.publish import publish as measure

    return _print(measure(events, rounds, domain_events=domain_events), json=json)


@app.command
def latency(
    *,
    seconds: Annotated[float, Parameter(help="Of commands.", validator=validators.Number(gt=0))] = 20.0,
    rate: Annotated[float, Parameter(help="Commands a second.", validator=validators.Number(gt=0))] = 100.0,
    json: Json = False,
) -> int:
    """From a command's acknowledgement to its event at a read_committed consumer."""
    from scripts.bench.latency import latency as measure

    return _print(measure(seconds, rate), json=json)


@app.command
def consume(*, events: Events = 50_000, rounds: Rounds = 3, json: Json = False) -> int:
    """The consumers' runtime with a row in PostgreSQL for each record, beside a commit for each record."""
    from scripts.bench.consume import consume as measure

    return _print(measure(events, rounds), json=json)


@app.command
def lookup(
    *,
    rows: Annotated[int, Parameter(help="Access windows in the cache.", validator=_positive)] = 100_000,
    lookups: Annotated[int, Parameter(help="Of each side in each round.", validator=_positive)] = 5_000,
    rounds: Rounds = 5,
    json: Json = False,
) -> int:
    """Whether a product may be used, by the entitlement cache, next to a plain SELECT of a row by its key."""
    from scripts.bench.lookup import lookup as measure

    return _print(measure(rows=rows, lookups=lookups, rounds=rounds), json=json)


@app.command
def renewals(
    *,
    accounts: Annotated[int, Parameter(help="Accounts that renew.", validator=_positive)] = 10_000,
    rounds: Rounds = 3,
    json: Json = False,
) -> int:
    """The billing run: a plan and two add-ons with two years of history, beside pgbench's INSERTs."""
    from scripts.bench.renewals import renewals as measure

    return _print(measure(accounts=accounts, rounds=rounds), json=json)


def _print(found: Iterable[Measured], *, json: bool) -> int:
    """Print lines as they come, or a table once all have come; return the exit code."""
    import msgspec

    from scripts.bench.screen import printed

    if json:
        for measured in found:
            print(msgspec.json.encode(measured).decode(), flush=True)
    else:
        print("measuring …", file=sys.stderr, flush=True)
        printed(list(found))
    return 0


def main() -> int:
    """Run the benchmark that the arguments name; failures are printed and end like those of `prorata`."""
    from prorata.cli.terminal.failures import explained

    try:
        return int(app(exit_on_error=False, print_error=False) or 0)
    except KeyboardInterrupt:
        return 130
    except Exception as error:  # noqa: BLE001 - the outermost place: it prints a sentence with a code
        return explained(error)


if __name__ == "__main__":
    sys.exit(main())
