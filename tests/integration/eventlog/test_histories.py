"""Whole histories for rebuilds: every event once, in order, however pages and spans cut them."""

import pytest
from msgspec.structs import asdict

from eventlog import SHARDS, Append, Head, StoredEvent, shard_of
from eventlog.codec import kinds_of
from eventlog.history import BEYOND_ALL, EVERY_ACCOUNT, AccountRange, HistoryChunk, places_of
from eventlog.postgres.account_stream import histories, spans
from eventlog.postgres.log import PostgresEventLog
from eventlog.records import MAX_ACCOUNT_ID_BYTES
from tests.support.eventlog.sample_events import new_event
from tests.support.eventlog.sessions import Session

ACCOUNTS = sorted([f"acme/{n}" for n in range(12)] + ["acme/Zoë", "zeta/\U0010fffe", "a"])
FAR = 10**9


@pytest.fixture
def written(log: PostgresEventLog) -> dict[str, list[StoredEvent]]:
    """Accounts with one to five events each, one after another in turn."""
    for turn in range(5):
        for nth, account_id in enumerate(ACCOUNTS):
            if turn <= nth % 5:
                log.append(account_id, log.head(account_id), [new_event()])
    return {account_id: log.read_account(account_id) for account_id in ACCOUNTS}


def chunk_of(events: list[StoredEvent]) -> HistoryChunk:
    states = [event.state for event in events]
    return HistoryChunk(**asdict(places_of(events)), kinds=kinds_of(events), states=states)


def test_an_account_is_one_chunk_in_order(session: Session, written: dict[str, list[StoredEvent]]) -> None:
    chunks = list(histories(session, EVERY_ACCOUNT, [FAR] * SHARDS, page=1_000))
    assert chunks == [chunk_of(written[a]) for a in ACCOUNTS]


@pytest.mark.parametrize("page", [1, 2, 3, 7])
def test_what_a_page_cuts_goes_on_in_the_next_chunk(
    page: int, session: Session, written: dict[str, list[StoredEvent]]
) -> None:
    chunks = list(histories(session, EVERY_ACCOUNT, [FAR] * SHARDS, page=page))
    assert all(len(chunk) <= page for chunk in chunks)
    places = [place for chunk in chunks for place in chunk.each()]
    assert [(p.account_id, p.version, p.position, p.recorded_at) for p in places] == [
        (e.account_id, e.version, e.position, e.recorded_at) for a in ACCOUNTS for e in written[a]
    ]


def test_each_shard_ends_at_its_own_position(session: Session, written: dict[str, list[StoredEvent]]) -> None:
    untils = [shard * 2 for shard in range(SHARDS)]
    chunks = histories(session, EVERY_ACCOUNT, untils, page=4)
    found = [position for chunk in chunks for position in chunk.positions]
    assert found == [e.position for a in ACCOUNTS for e in written[a] if e.position <= untils[shard_of(a)]]


def test_a_history_with_a_hole_says_so(session: Session, written: dict[str, list[StoredEvent]]) -> None:
    longest = max(ACCOUNTS, key=lambda account_id: len(written[account_id]))
    session.execute("alter table events disable trigger append_only")
    session.execute("delete from events where account_id = %s and version = 2", [longest])
    chunks = histories(session, EVERY_ACCOUNT, [FAR] * SHARDS, page=1_000)
    assert [chunk.account_id for chunk in chunks if not chunk.follow_each_other] == [longest]


def test_a_connection_serves_on_when_a_reader_left_early(
    session: Session, written: dict[str, list[StoredEvent]]
) -> None:
    reading = histories(session, EVERY_ACCOUNT, [FAR] * SHARDS, page=7)
    assert next(reading) == chunk_of(written[ACCOUNTS[0]])
    reading.close()
    again = histories(session, EVERY_ACCOUNT, [FAR] * SHARDS, page=1_000)
    assert [chunk.account_id for chunk in again] == ACCOUNTS


@pytest.mark.parametrize("number", [1, 2, 3, 5, 50])
def test_spans_share_out_every_account_once(
    number: int, session: Session, log: PostgresEventLog, written: dict[str, list[StoredEvent]]
) -> None:
    made = spans(session, log.last_position(), number)
    assert 1 <= len(made) <= number
    chunks = [chunk for span in made for chunk in histories(session, span, [FAR] * SHARDS, page=3)]
    assert list(dict.fromkeys(chunk.account_id for chunk in chunks)) == ACCOUNTS
    assert sum(map(len, chunks)) == sum(map(len, written.values()))


def test_spans_are_about_even_where_accounts_stand_in_the_log_at_even_distances(
    session: Session, log: PostgresEventLog
) -> None:
    accounts = [f"acme/{nth:02}" for nth in range(16)]
    heads = dict.fromkeys(accounts, Head.NONE)
    for _ in range(128):
        each = [Append(account, head, (new_event(command_id=None),)) for account, head in heads.items()]
        heads = {stored.account_id: stored.head for [stored] in log.append_together(each)}
    assert log.last_position() == 16 * 128
    made = spans(session, log.last_position(), 4)
    held = [sum(span.after < account <= span.last for account in accounts) for span in made]
    assert sum(held) == len(accounts)
    assert max(held) <= len(accounts) / 2


def test_an_empty_log_has_one_span_of_nothing(session: Session, log: PostgresEventLog) -> None:
    assert spans(session, 0, 4) == [EVERY_ACCOUNT]
    assert list(histories(session, EVERY_ACCOUNT, [0] * SHARDS, page=10)) == []


def test_no_account_id_stands_beyond_the_last_span() -> None:
    longest = "\U0010ffff" * (MAX_ACCOUNT_ID_BYTES // 4)
    assert longest < BEYOND_ALL
    assert AccountRange("", BEYOND_ALL) == EVERY_ACCOUNT
