"""The door for threads, on a log in memory that can be held up and made to fail."""

import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event, get_ident

import pytest

from eventlog import Append, Head, LogReplaced, LogUnavailable, Outcome
from eventlog.group_commit.threads import GroupedEventLog
from eventlog.memory import MemoryEventLog
from tests.support.eventlog.sample_events import an_append, given_history, new_event, versions

OTHERS = 15


class HeldUp(MemoryEventLog):
    """Stores nothing until it may; then raises `faults`, a call each, where there is one."""

    def __init__(self) -> None:
        super().__init__()
        self.groups: list[list[str]] = []
        self.begun, self.may_go_on = Event(), Event()
        self.faults: list[BaseException | None] = []

    def append_many(self, appends: Sequence[Append]) -> list[Outcome]:
        self.groups.append([append.account_id for append in appends])
        self.begun.set()
        assert self.may_go_on.wait(20)
        fault = self.faults.pop(0) if self.faults else None
        if fault is not None:
            raise fault
        return super().append_many(appends)


@pytest.fixture
def inner() -> HeldUp:
    """The log behind the door."""
    return HeldUp()


@pytest.fixture
def door(inner: HeldUp) -> GroupedEventLog:
    """One statement at a time."""
    return GroupedEventLog(inner, statements=1)


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    """Threads enough for all appends of a test."""
    with ThreadPoolExecutor(OTHERS + 1) as pool:
        yield pool


Appending = Future[list[int]]


def _append(door: GroupedEventLog, account_id: str) -> list[int]:
    given = an_append(account_id)
    return versions(door.append(account_id, given.head, given.events))


def _two_groups(door: GroupedEventLog, inner: HeldUp, pool: ThreadPoolExecutor) -> list[Appending]:
    """One append that stores, and the others that come meanwhile; then both groups go on."""
    first = pool.submit(_append, door, "acme/first")
    assert inner.begun.wait(20)
    others = [pool.submit(_append, door, f"acme/{nth}") for nth in range(OTHERS)]
    while door.waiting < 1 + OTHERS:
        pass
    inner.may_go_on.set()
    return [first, *others]


def _ends(appending: Sequence[Appending]) -> list[str]:
    return sorted(type(each.exception(timeout=20)).__name__ for each in appending)


def test_one_thread_stores_for_all_that_wait(
    door: GroupedEventLog, inner: HeldUp, pool: ThreadPoolExecutor
) -> None:
    appending = _two_groups(door, inner, pool)
    assert [each.result(timeout=20) for each in appending] == [[1]] * (1 + OTHERS)
    assert [len(group) for group in inner.groups] == [1, OTHERS]
    assert door.waiting == 0


@pytest.mark.parametrize("fault", [LogUnavailable("away"), LogReplaced(*[MemoryEventLog().log_id] * 2)])
def test_what_befalls_a_whole_group_is_raised_to_each_of_it_and_to_no_other(
    door: GroupedEventLog, inner: HeldUp, pool: ThreadPoolExecutor, fault: Exception
) -> None:
    inner.faults = [None, fault]
    first, *others = _two_groups(door, inner, pool)
    assert first.result(timeout=20) == [1]
    assert _ends(others) == [type(fault).__name__] * OTHERS
    assert _append(door, "acme/later") == [1]


def test_a_thread_interrupted_while_it_stores_leaves_nobody_waiting(
    door: GroupedEventLog, inner: HeldUp, pool: ThreadPoolExecutor
) -> None:
    inner.faults = [None, KeyboardInterrupt()]
    _, *others = _two_groups(door, inner, pool)
    assert _ends(others) == ["KeyboardInterrupt"] + ["LogUnavailable"] * (OTHERS - 1)
    assert _append(door, "acme/later") == [1]
    assert door.waiting == 0


def test_a_thread_interrupted_while_it_waits_stores_nothing_and_leaves_the_others_their_turn(
    door: GroupedEventLog, inner: HeldUp, pool: ThreadPoolExecutor
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    def others() -> list[Appending]:
        while door.waiting < 2:
            pass
        behind = [pool.submit(_append, door, "acme/behind")]
        while door.waiting < 3:
            pass
        signal.pthread_kill(here, signal.SIGUSR1)
        while door.waiting > 2:
            pass
        inner.may_go_on.set()
        return behind

    here, before = get_ident(), signal.signal(signal.SIGUSR1, interrupt)
    try:
        first = pool.submit(_append, door, "acme/first")
        assert inner.begun.wait(20)
        meanwhile = pool.submit(others)
        with pytest.raises(KeyboardInterrupt):
            _append(door, "acme/interrupted")
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert first.result(timeout=20) == meanwhile.result(timeout=20)[0].result(timeout=20) == [1]
    assert inner.groups == [["acme/first"], ["acme/behind"]]


def test_everything_but_append_goes_to_the_log(inner: HeldUp, door: GroupedEventLog) -> None:
    inner.may_go_on.set()
    history = given_history(inner, "acme/a", 3)
    assert door.log_id == inner.log_id
    assert (door.head("acme/a"), door.head("acme/b")) == (history[-1].head, Head.NONE)
    assert door.read_account("acme/a", 1, 1) == history[1:2]
    assert door.event("acme/a", 2) == door.at_position(history[1].position) == history[1]
    assert door.find_command("acme/a", "command-3") == history[2:]
    assert door.read_settled(0, 10) == history
    assert door.fence_holder() is None
    assert door.last_position() == history[-1].position
    assert list(door.accounts()) == ["acme/a"]
    given = Append("acme/b", Head.NONE, (new_event(),))
    assert door.append_many([given]) == door.append_together([given]) == [door.read_account("acme/b")]
