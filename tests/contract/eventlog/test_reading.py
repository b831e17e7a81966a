"""What the log tells about accounts and single events."""

from eventlog import EventLog, Head, StoredEvent
from eventlog.codec import kinds_of
from eventlog.history import HistoryChunk, chunk_of
from tests.support.eventlog.sample_events import an_append, given_history, new_event, versions


def test_an_empty_log_has_nothing(log: EventLog) -> None:
    assert log.head("acme/a") == Head.NONE
    assert log.read_account("acme/a") == []
    assert log.event("acme/a", 1) is None
    assert log.find_command("acme/a", "command-1") == []
    assert log.histories_up_to({"acme/a": 1}) == []
    assert log.read_settled(0, 100) == []
    assert log.at_position(1) is None
    assert log.last_position() == 0
    assert list(log.accounts()) == []
    assert log.fence_holder() is None


def test_the_log_keeps_its_id(log: EventLog) -> None:
    before = log.log_id
    given_history(log, "acme/a", 1)
    assert log.log_id == before


def test_accounts_are_read_apart(log: EventLog) -> None:
    one, other = given_history(log, "acme/a", 2), given_history(log, "acme/a2", 3)
    assert log.read_account("acme/a") == one
    assert log.read_account("acme/a2") == other


def test_an_account_is_read_after_a_version_and_up_to_a_limit(log: EventLog) -> None:
    history = given_history(log, "acme/a", 5)
    assert log.read_account("acme/a", after_version=2) == history[2:]
    assert log.read_account("acme/a", limit=2) == history[:2]
    assert log.read_account("acme/a", after_version=1, limit=3) == history[1:4]
    assert log.read_account("acme/a", after_version=5) == []


def test_histories_are_read_together_each_up_to_a_version(log: EventLog) -> None:
    one, other = given_history(log, "acme/a", 5), given_history(log, "acme/b", 3)
    given_history(log, "acme/c", 2)
    assert histories(log, {"acme/b": 2, "acme/a": 4}) == [whole(other[:2]), whole(one[:4])]
    assert histories(log, {"acme/a": 9, "acme/d": 1}) == [whole(one)]
    assert histories(log, {}) == []


def histories(log: EventLog, versions: dict[str, int]) -> list[HistoryChunk]:
    found = log.histories_up_to(versions)
    order = list(versions)
    return sorted(found, key=lambda chunk: order.index(chunk.account_id))


def whole(events: list[StoredEvent]) -> HistoryChunk:
    return chunk_of(events, kinds_of(events))


def test_an_event_is_found_by_its_version_and_by_its_position(log: EventLog) -> None:
    given_history(log, "acme/b", 2)
    history = given_history(log, "acme/a", 3)
    assert log.event("acme/a", 2) == history[1]
    assert log.event("acme/a", 4) is None
    assert log.event("acme/a", 0) is None
    assert log.at_position(history[1].position) == history[1]
    assert log.at_position(history[-1].position + 1) is None


def test_a_command_is_found_with_all_of_its_events(log: EventLog) -> None:
    log.append("acme/b", Head.NONE, [new_event(command_id="pay")])
    first = log.append("acme/a", Head.NONE, [new_event(command_id="buy"), new_event(command_id=None)])
    log.append("acme/a", first[-1].head, [new_event(command_id="pay"), new_event(command_id="buy")])
    assert versions(log.find_command("acme/a", "buy")) == [1, 4]
    assert versions(log.find_command("acme/a", "pay")) == [3]
    assert log.find_command("acme/a", "sell") == []


def test_a_command_is_found_among_the_accounts_whose_id_begins_so(log: EventLog) -> None:
    for name in ("acme/a", "acme/b", "acme0", "acm", "globex/a"):
        log.append(name, Head.NONE, [new_event(command_id=None), new_event(command_id="pay")])
    found = log.commands_named("acme/", "pay", 10)
    assert [(event.account_id, event.version) for event in found] == [("acme/a", 2), ("acme/b", 2)]
    assert log.commands_named("acme/", "pay", 1) == found[:1]
    assert log.commands_named("acme/", "buy", 10) == []
    assert log.commands_named("initech/", "pay", 10) == []


def test_accounts_are_listed_once_each_in_byte_order(log: EventLog) -> None:
    names = ["zeta/a", "acme/b", "Acme/b", "acme/é", "acme/a", "acme/ä"]
    for name in names:
        given_history(log, name, 2)
    assert list(log.accounts()) == sorted(names)


def test_accounts_are_listed_however_many_they_are(log: EventLog) -> None:
    names = [f"acme/{nth:04}" for nth in range(2_001)]
    log.append_many([an_append(name) for name in names])
    assert list(log.accounts()) == names


def test_the_last_position_is_that_of_the_latest_event(log: EventLog) -> None:
    given_history(log, "acme/a", 3)
    [latest] = given_history(log, "acme/b", 1)
    assert log.last_position() == latest.position
