"""The door for asyncio: its queue is bounded, tasks may be cancelled, and its end leaves nobody waiting."""

import asyncio
from collections.abc import Callable

import pytest

from eventlog import Append, EventRefused, Head, LogUnavailable, NotMigrated, StoredEvent, VersionConflict
from eventlog.group_commit.asyncio import GroupedAppends
from eventlog.postgres.log import PostgresEventLog
from eventlog.postgres.migrate import migrate
from scripts.servers.postgres import PostgresServer
from tests.support.eventlog.sample_events import an_append, new_event, versions
from tests.support.eventlog.sessions import Session, insert, until, waiting

HELD = "acme/held"
Appending = asyncio.Task[list[StoredEvent]]


def _start(appends: GroupedAppends, *given: Append) -> list[Appending]:
    return [asyncio.create_task(appends.append(one.account_id, one.head, one.events)) for one in given]


async def _seen(condition: Callable[[], bool]) -> None:
    """Until it holds; the loop goes on meanwhile."""
    await asyncio.to_thread(until, condition)


async def _held(appends: GroupedAppends, watcher: Session) -> Appending:
    """An append whose statement waits for the rival's transaction."""
    [held] = _start(appends, an_append(HELD))
    await _seen(lambda: waiting(watcher) == 1)
    return held


def test_no_more_than_max_waiting_are_let_in_and_the_others_have_their_turn_later(
    service_url: str, session: Session, watcher: Session, log: PostgresEventLog
) -> None:
    async def scenario() -> None:
        async with GroupedAppends(service_url, connections=1, max_waiting=4) as appends:
            with session.transaction(force_rollback=True):
                insert(session, HELD)
                held = await _held(appends, watcher)
                others = _start(appends, *(an_append(f"acme/{nth}") for nth in range(10)))
                await _seen(lambda: appends.waiting == 4)
                for _ in range(3):
                    await asyncio.sleep(0)
                assert appends.waiting == 4
            await asyncio.gather(held, *others)
            assert appends.waiting == 0

    asyncio.run(scenario())
    assert len(log.read_settled(0, 100)) == 11


def test_a_caller_that_is_cancelled_before_it_is_let_in_or_has_its_turn_leaves_nothing(
    service_url: str, session: Session, watcher: Session, log: PostgresEventLog
) -> None:
    async def scenario() -> None:
        async with GroupedAppends(service_url, connections=1, max_waiting=3) as appends:
            with session.transaction(force_rollback=True):
                insert(session, HELD)
                held = await _held(appends, watcher)
                queued, same_account, outside = _start(
                    appends,
                    an_append("acme/queued"),
                    an_append(HELD, Head(1, b"\x01" * 32, None)),
                    an_append("acme/out"),
                )
                await _seen(lambda: appends.waiting == 3)
                for task in (queued, same_account, outside):
                    task.cancel()
                await asyncio.wait([queued, same_account, outside])
                assert all(task.cancelled() for task in (queued, same_account, outside))
                assert appends.waiting == 1
                room = _start(appends, an_append("acme/a"), an_append("acme/b"))
                await _seen(lambda: appends.waiting == 3)
            await asyncio.gather(held, *room)

    asyncio.run(scenario())
    assert list(log.accounts()) == ["acme/a", "acme/b", HELD]


def test_a_caller_that_is_cancelled_in_mid_statement_learns_by_the_same_append_again(
    service_url: str, session: Session, watcher: Session, log: PostgresEventLog
) -> None:
    given = an_append(HELD, count=2)

    async def scenario() -> list[StoredEvent]:
        async with GroupedAppends(service_url, connections=1) as appends:
            with session.transaction(force_rollback=True):
                insert(session, HELD)
                [held] = _start(appends, given)
                await _seen(lambda: waiting(watcher) == 1)
                held.cancel()
                await asyncio.wait([held])
                assert held.cancelled()
                [again] = _start(appends, given)
                await _seen(lambda: appends.waiting == 2)
            return await again

    assert asyncio.run(scenario()) == log.read_account(HELD)
    assert len(log.read_settled(0, 100)) == 2


def test_closing_stores_what_was_let_in_and_refuses_the_rest(
    service_url: str, session: Session, watcher: Session, log: PostgresEventLog
) -> None:
    async def scenario() -> None:
        appends = await GroupedAppends(service_url, connections=1, max_waiting=3).__aenter__()
        with session.transaction(force_rollback=True):
            insert(session, HELD)
            held = await _held(appends, watcher)
            inside = _start(appends, an_append("acme/a"), an_append("acme/b"))
            await _seen(lambda: appends.waiting == 3)
            outside = _start(appends, an_append("acme/x"), an_append("acme/y"))
            await asyncio.sleep(0)
            closing = asyncio.create_task(appends.close())
            await asyncio.sleep(0)
        await closing
        assert [versions(await each) for each in (held, *inside)] == [[1]] * 3
        for each in (*outside, *_start(appends, an_append("acme/z"))):
            with pytest.raises(LogUnavailable, match="it was closed"):
                await each
        await appends.close()

    asyncio.run(scenario())
    assert list(log.accounts()) == ["acme/a", "acme/b", HELD]


def test_a_close_that_is_cancelled_answers_everybody_all_the_same(
    service_url: str, session: Session, watcher: Session
) -> None:
    async def scenario() -> None:
        appends = await GroupedAppends(service_url, connections=1).__aenter__()
        with session.transaction(force_rollback=True):
            insert(session, HELD)
            tasks = [await _held(appends, watcher), *_start(appends, an_append("acme/a"))]
            await asyncio.sleep(0)
            closing = asyncio.create_task(appends.close())
            await asyncio.sleep(0)
            closing.cancel()
            await asyncio.wait([closing])
            for each in tasks:
                with pytest.raises(LogUnavailable, match="it was closed"):
                    await each

    asyncio.run(scenario())


def test_where_the_server_stays_away_everybody_is_told_when_patience_ends(
    own_postgres: PostgresServer,
) -> None:
    migrate(own_postgres.url())

    async def scenario() -> None:
        async with GroupedAppends(own_postgres.url(), patience=0.3) as appends:
            await asyncio.gather(*_start(appends, an_append("acme/a")))
            own_postgres.stop()
            tasks = _start(appends, *(an_append(f"acme/b-{nth}") for nth in range(20)))
        for each in tasks:
            with pytest.raises(LogUnavailable, match="try the same again"):
                await each

    asyncio.run(scenario())


def test_more_events_than_a_statement_takes_go_in_several(service_url: str, log: PostgresEventLog) -> None:
    async def scenario() -> None:
        async with GroupedAppends(service_url, max_events=10) as appends:
            given = [an_append(f"acme/{nth:03}", count=nth % 4 + 1) for nth in range(60)]
            given.append(an_append("acme/long", count=25))
            assert [len(stored) for stored in await asyncio.gather(*_start(appends, *given))] == [
                len(one.events) for one in given
            ]

    asyncio.run(scenario())
    assert len(log.read_account("acme/long")) == 25


def test_statements_larger_than_the_socket_takes_at_once_are_stored_whole(
    service_url: str, log: PostgresEventLog
) -> None:
    async def scenario() -> list[list[StoredEvent]]:
        async with GroupedAppends(service_url) as appends:
            large = [
                Append(f"acme/{nth}", Head.NONE, (new_event(state=bytes(400_000)),)) for nth in range(40)
            ]
            return await asyncio.gather(*_start(appends, *large))

    stored = asyncio.run(scenario())
    assert [log.read_account(rows[0].account_id) for rows in stored] == stored


@pytest.mark.parametrize(
    ("given", "error"),
    [
        (an_append("acme/\0"), EventRefused),
        (an_append("acme/a", Head(4, b"\x01" * 32, None)), VersionConflict),
    ],
)
def test_what_the_log_would_raise_is_raised(service_url: str, given: Append, error: type[Exception]) -> None:
    async def scenario() -> None:
        async with GroupedAppends(service_url, max_waiting=1) as appends:
            for _ in range(3):  # each gives its room back
                with pytest.raises(error):
                    await appends.append(given.account_id, given.head, given.events)

    asyncio.run(scenario())


@pytest.mark.parametrize(("url", "error"), [("unmigrated", NotMigrated), ("nobody", LogUnavailable)])
def test_a_database_that_the_log_refuses_is_refused_at_once(
    database_url: str, url: str, error: type[Exception]
) -> None:
    address = {"unmigrated": database_url, "nobody": "postgresql://prorata@127.0.0.1:1/prorata"}[url]

    async def scenario() -> None:
        async with GroupedAppends(address, patience=60):
            pass

    with pytest.raises(error):
        asyncio.run(scenario())
