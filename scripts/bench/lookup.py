"""How long the entitlement cache takes to answer whether a product may be used, next to a plain SELECT of a
row by its primary key, the least that any answer from a table costs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Final

import msgspec
import psycopg

from consumers.checkpoints import Connection
from consumers.entitlement_cache import NAME, may_use
from prorata.settings import Settings
from publishing.topics import Topics
from scripts.bench import scratch as places
from scripts.bench.measured import Measured, against, in_turns, p50_and_p99

PEER: Final = "SELECT of a row by its primary key"

_PRODUCTS: Final = ("standard", "custom_domain")
_BEGINS: Final = datetime(2026, 1, 1, tzinfo=UTC)
_NOW: Final = _BEGINS + timedelta(days=20)
_ENDED: Final = _BEGINS + timedelta(days=10)
_WARM_UP: Final = 200

_HEARD: Final = """
    insert into consumers.partitions (consumer, topic, partition, heartbeat_at)
    select %s, %s, nth, clock_timestamp() from generate_series(0, %s - 1) nth
    on conflict (consumer, topic, partition) do update set heartbeat_at = excluded.heartbeat_at
"""
_COPY: Final = "copy entitlement_cache.windows (account_id, product, begins_at, ends_at, renews) from stdin"
_SELECT: Final = """
    select ends_at, renews from entitlement_cache.windows
    where account_id = %s and product = %s and begins_at = %s
"""


class LookupTimes(msgspec.Struct, frozen=True):
    """How long the lookups of a round took, in ms."""

    p50: float
    p99: float


def lookup(*, rows: int, lookups: int, rounds: int) -> Iterator[Measured]:
    """Yield p50 and p99 of consecutive lookups on one connection, for products of random accounts, two thirds
    of which may be used. Raises AssertionError for a wrong answer."""
    with (
        places.database(Settings.of().database_url) as url,
        psycopg.connect(url, autocommit=True) as connection,
    ):
        _fill(connection, rows)
        chance = Random(1)
        sides: dict[str, Callable[[], LookupTimes]] = {
            "peer": lambda: _timed(lambda nth: _select(connection, nth), _chosen(chance, rows, lookups)),
            "ours": lambda: _ours(connection, _chosen(chance, rows, lookups)),
        }
        found = in_turns(sides, rounds)
    about = {"rows": rows, "lookups a round": lookups}
    quantiles: tuple[tuple[str, Callable[[LookupTimes], float]], ...] = (
        ("lookup p50", lambda r: r.p50),
        ("lookup p99", lambda r: r.p99),
    )
    for name, of in quantiles:
        ours, theirs = ([of(r) for r in found[side]] for side in ("ours", "peer"))
        yield against(name, "ms", ours, theirs, peer_is=PEER, lower_is_better=True, about=about)


def _fill(connection: Connection, rows: int) -> None:
    """Fill the cache with a window a row: two products for each account; every third window has ended."""
    with connection.cursor() as cursor, cursor.copy(_COPY) as copy:
        for nth in range(rows):
            ends = _ENDED if _has_ended(nth) else _BEGINS + timedelta(days=31)
            copy.write_row((*_asked(nth), _BEGINS, ends, not _has_ended(nth)))
    connection.execute("analyze entitlement_cache.windows")


def _ours(connection: Connection, chosen: list[int]) -> LookupTimes:
    topics = Topics()
    connection.execute(_HEARD, (NAME, topics.access_windows.name, topics.partitions))

    def ask(nth: int) -> None:
        answer = may_use(connection, *_asked(nth), _NOW)
        assert answer.usable == ("no" if _has_ended(nth) else "yes"), answer

    return _timed(ask, chosen)


def _select(connection: Connection, nth: int) -> None:
    found: list[Any] = connection.execute(_SELECT, (*_asked(nth), _BEGINS), prepare=True).fetchall()
    assert len(found) == 1


def _timed(ask: Callable[[int], None], chosen: list[int]) -> LookupTimes:
    took = []
    for nth in chosen:
        began = time.perf_counter()
        ask(nth)
        took.append((time.perf_counter() - began) * 1000)
    return LookupTimes(*p50_and_p99(took[_WARM_UP:]))


def _chosen(chance: Random, rows: int, lookups: int) -> list[int]:
    return chance.choices(range(rows), k=_WARM_UP + lookups)


def _asked(nth: int) -> tuple[str, str]:
    """The account and the product of the nth row."""
    return f"bench/a{nth // 2:07}", _PRODUCTS[nth % 2]


def _has_ended(nth: int) -> bool:
    return nth % 3 == 0
