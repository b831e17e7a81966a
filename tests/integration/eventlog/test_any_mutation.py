"""Whatever single thing somebody changes in a log is found: by the chains, or by a seal kept elsewhere."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from eventlog import StoredEvent, hash_of
from eventlog.audit.seal import Seal
from eventlog.audit.sealing import compare, make_seal
from eventlog.audit.walking import Leaf
from eventlog.chain import HASHED
from eventlog.postgres.log import PostgresEventLog
from tests.support.eventlog.sample_events import given_history
from tests.support.eventlog.sessions import Session
from tests.support.eventlog.tampering import COLUMNS, put, unguarded

NAMES = ("acme/a", "acme/b", "acme/c")
EVENTS_EACH = 4

TEXT = st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=6)
INSTANT = st.datetimes(datetime(2, 1, 2), datetime(9998, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001
HASH = st.binary(min_size=32, max_size=32)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "position": st.integers(-3, 40),
    "account_id": TEXT.filter(bool),
    "version": st.integers(1, 9),
    "shard": st.integers(0, 63),
    "event_id": st.uuids(),
    "command_id": st.none() | TEXT,
    "type": TEXT,
    "schema_version": st.integers(1, 32_767),
    "recorded_at": INSTANT | st.sampled_from(["infinity", "-infinity", "294276-12-31 00:00Z"]),
    "effective_at": INSTANT | st.sampled_from(["infinity", "-infinity", "294276-12-31 00:00Z"]),
    "actor": st.none() | TEXT,
    "state": st.binary(max_size=40),
    "previous_hash": HASH,
    "hash": HASH,
}

Run = Callable[..., Any]
World = tuple[str, Session, PostgresEventLog, Seal, list[Leaf]]


@pytest.fixture
def world(log: PostgresEventLog, service_url: str, session: Session) -> World:
    """A log of accounts that took turns, with burnt positions in between; its seal; a copy of its rows."""
    for turn in range(EVENTS_EACH):
        for name in NAMES:
            given_history(log, name, 1)
        session.execute("select setval('events_position', %s)", [turn * 8 + 8])
    leaves: list[Leaf] = []
    _, seal = make_seal(service_url, each_leaf=leaves.append)
    assert seal is not None
    assert compare(service_url, seal, leaves=leaves).holds
    session.execute("create table kept as select * from events")
    return service_url, session, log, seal, leaves


def changed_column(run: Run, event: StoredEvent, data: st.DataObject) -> bool:
    column = data.draw(st.sampled_from(COLUMNS))
    value = data.draw(VALUES[column].filter(lambda value: value != getattr(event, column)))
    place = [event.account_id, event.version]
    taken = {"position": "position = %s", "version": f"account_id = '{event.account_id}' and version = %s"}
    if column in taken and run(f"select from events where {taken[column]}", [value]).fetchall():
        run("delete from events where account_id = %s and version = %s", place)
        return event.version < EVENTS_EACH
    run(f"update events set {column} = %s where account_id = %s and version = %s", [value, *place])
    return column in (*HASHED, "shard", "hash")


def taken_out(run: Run, event: StoredEvent, data: st.DataObject) -> bool:
    run("delete from events where account_id = %s and version = %s", [event.account_id, event.version])
    return event.version < EVENTS_EACH


def whole_account_taken_out(run: Run, event: StoredEvent, data: st.DataObject) -> bool:
    run("delete from events where account_id = %s", [event.account_id])
    return False


def change_places(run: Run, event: StoredEvent, data: st.DataObject) -> bool:
    other = data.draw(st.integers(1, EVENTS_EACH).filter(lambda version: version != event.version))
    for version, to in ((event.version, 99), (other, event.version), (99, other)):
        run(
            "update events set version = %s where account_id = %s and version = %s",
            [to, event.account_id, version],
        )
    return True


def renumbered_around_a_gap(run: Run, event: StoredEvent, data: st.DataObject) -> bool:
    taken_out(run, event, data)
    for version in range(event.version + 1, EVENTS_EACH + 1):
        run(
            "update events set version = %s where account_id = %s and version = %s",
            [version - 1, event.account_id, version],
        )
    return event.version < EVENTS_EACH


MUTATIONS = [
    changed_column,
    changed_column,
    changed_column,
    taken_out,
    whole_account_taken_out,
    change_places,
    renumbered_around_a_gap,
]


@settings(
    deadline=None,
    max_examples=50,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.sampled_from(NAMES), st.integers(1, EVENTS_EACH), st.sampled_from(MUTATIONS), st.data())
def test_any_single_change_is_found(
    world: World,
    name: str,
    version: int,
    mutate: Callable[[Run, StoredEvent, st.DataObject], bool],
    data: st.DataObject,
) -> None:
    url, session, log, seal, leaves = world
    event = log.event(name, version)
    assert event is not None
    try:
        with unguarded(session) as run:
            chains_must_show_it = mutate(run, event, data)
        comparison = compare(url, seal, leaves=iter(leaves))
        assert not comparison.holds
        if chains_must_show_it:
            assert comparison.report.problems
    finally:
        with unguarded(session) as run:
            run("truncate events")
            run("insert into events overriding system value select * from kept")


def test_a_forged_end_with_right_hashes_is_found_by_the_seal(world: World) -> None:
    url, session, log, seal, leaves = world
    for name in NAMES:
        last = log.read_account(name)[-1]
        forged = replace(last, state=b"{}")
        forged = replace(forged, hash=hash_of(log.log_id, forged))
        with unguarded(session) as run:
            run("delete from events where account_id = %s and version = %s", [name, last.version])
            put(session, [forged])
    comparison = compare(url, seal, leaves=leaves)
    assert comparison.report.whole
    assert [d.account_id for d in comparison.differences if d.kind == "account_differs"] == list(NAMES)
