"""Make the rows that will stand in the log of the events to be appended: pure, the same for every log."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from uuid import UUID

from domain.texts import NO_PLAIN_TEXT, is_plain
from eventlog.chain import event_hash
from eventlog.errors import EventRefused
from eventlog.records import MAX_ACCOUNT_ID_BYTES, NO_HASH, Append, NewEvent, StoredEvent
from eventlog.shards import shard_of

UNPLACED = 0
"""The position of a row before the log, storing it, hands one out."""

_FIRST_YEAR, _LAST_YEAR = 2, 9998
"""Every instant of these years can be expressed in every time zone."""


def utc_now() -> datetime:
    """The default clock of a log: now, in UTC."""
    return datetime.now(UTC)


def chained_rows(log_id: UUID, append: Append, now: datetime) -> list[StoredEvent]:
    """The append's rows with versions, instants and hashes, still UNPLACED.

    `recorded_at` is `now`, or the head's if that is later: it never goes back within an account, whatever
    clocks do. Raises EventRefused for what no log takes.
    """
    _check(append)
    account_id, head = append.account_id, append.head
    shard, version, previous_hash = shard_of(account_id), head.version, head.hash
    recorded_at = (now if head.recorded_at is None else max(now, head.recorded_at)).astimezone(UTC)
    rows = []
    for event in append.events:
        version += 1
        effective_at = event.effective_at.astimezone(UTC)
        own_hash = event_hash(
            log_id,
            account_id=account_id,
            version=version,
            event_id=event.event_id,
            command_id=event.command_id,
            event_type=event.type,
            schema_version=event.schema_version,
            effective_at=effective_at,
            recorded_at=recorded_at,
            actor=event.actor,
            state=event.state,
            previous_hash=previous_hash,
        )
        row = StoredEvent(
            UNPLACED,
            account_id,
            version,
            shard,
            event.event_id,
            event.command_id,
            event.type,
            event.schema_version,
            recorded_at,
            effective_at,
            event.actor,
            event.state,
            previous_hash,
            own_hash,
        )
        rows.append(row)
        previous_hash = own_hash
    return rows


def is_stored_as(append: Append, found: Sequence[StoredEvent]) -> bool:
    """Whether what was found right after the append's head is the append itself, from an earlier attempt."""
    return [event.event_id for event in append.events] == [event.event_id for event in found]


def one_of_each_account(rows_of: Mapping[int, list[StoredEvent]]) -> dict[int, list[StoredEvent]]:
    """The rows of the first append of each account: two of one account never share a statement."""
    firsts: dict[str, int] = {}
    for nth, rows in rows_of.items():
        firsts.setdefault(rows[0].account_id, nth)
    return {nth: rows_of[nth] for nth in firsts.values()}


def _check(append: Append) -> None:
    reason = _fault(append)
    if reason:
        raise EventRefused(append.account_id, reason)


def _fault(append: Append) -> str | None:
    if not _is_text(append.account_id):
        return "an account id is text without NUL or half characters"
    if append.head.version == 0 and not is_plain(append.account_id):
        return f"its account id cannot be one: {NO_PLAIN_TEXT}"
    if not 1 <= len(append.account_id.encode()) <= MAX_ACCOUNT_ID_BYTES:
        return f"an account id has 1 to {MAX_ACCOUNT_ID_BYTES} bytes"
    head = append.head
    if head.version < 0 or len(head.hash) != len(NO_HASH) or (head.version == 0) != (head.hash == NO_HASH):
        return "its head was not read from a log"
    if not append.events:
        return "it holds no event"
    for event in append.events:
        fault = _event_fault(event)
        if fault:
            return f"event {event.event_id}: {fault}"
    return None


def _event_fault(event: NewEvent) -> str | None:
    command_id, actor = event.command_id, event.actor
    if not (
        is_plain(event.type)
        and (command_id is None or is_plain(command_id))
        and (actor is None or is_plain(actor))
    ):
        return f"its type, command id or actor cannot be one: {NO_PLAIN_TEXT}"
    if not 1 <= event.schema_version <= 32_767:
        return f"schema version {event.schema_version} is not between 1 and 32767"
    if event.effective_at.utcoffset() is None:
        return "effective_at has no time zone"
    if not _FIRST_YEAR <= event.effective_at.year <= _LAST_YEAR:
        return f"effective_at is not in the years {_FIRST_YEAR} to {_LAST_YEAR}"
    return None


def _is_text(text: str) -> bool:
    """Whether PostgreSQL can hold this text: no NUL, no lone surrogate."""
    if text.isascii():
        return "\0" not in text
    try:
        return b"\0" not in text.encode()
    except UnicodeEncodeError:
        return False
