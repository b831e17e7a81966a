"""States of accounts: the cache is bounded, a snapshot only saves time, and the log is what counts."""

import pytest

from domain.evolve import evolve_all
from eventlog.memory import MemoryEventLog
from service import snapshots as snapshots_module
from service.account_log import BlockingLog
from service.accounts import Accounts
from service.completing import complete
from service.snapshots import MemorySnapshots, Snapshot
from tests.support.service.world import World, memory_world

ACCOUNT = "main/a1"


def _world_with_history(events: int) -> World:
    world = memory_world()
    world.open()
    world.say(do="purchase_plan", account="a1", product="standard", at="2026-03-20")
    world.say(do="purchase_addon", account="a1", product="surveys", at="2026-03-20")
    while len(world.log.read_account(ACCOUNT)) < events:
        world.say(do="remove_addon", account="a1", product="surveys", at="2026-03-20")
        world.say(do="undo", account="a1", product="surveys", at="2026-03-20")
    return world


def test_the_least_recently_used_account_leaves_the_cache() -> None:
    world = memory_world()
    for name in ("a", "b", "c"):
        world.open(name)
    accounts = Accounts(BlockingLog(world.log), capacity=2)
    complete(accounts.load("main/a"))
    complete(accounts.load("main/b"))
    accounts.recall("main/a")
    complete(accounts.load("main/c"))

    assert accounts.recall("main/b") is None
    assert accounts.recall("main/a") is not None
    assert complete(accounts.load("main/b")).state is not None


def test_accounts_with_much_to_remember_leave_sooner() -> None:
    world = memory_world()
    for name in ("a", "b", "c"):
        world.open(name, id="o")
        for nth in range(9):
            world.say(do="buy_credits", account=name, product="credits_5000", at="2026-03-20", id=f"c{nth}")
    accounts = Accounts(BlockingLog(world.log), parts=40)  # ten commands and nine invoices each
    for name in ("a", "b", "c"):
        complete(accounts.load(f"main/{name}"))

    assert [accounts.recall(f"main/{name}") is not None for name in ("a", "b", "c")] == [False, True, True]

    accounts.forget("main/b")
    complete(accounts.load("main/a"))
    assert accounts.recall("main/c") is not None, "what was forgotten has left room"


def test_one_account_with_too_much_to_remember_is_served_and_not_kept() -> None:
    world = memory_world()
    world.open("a", id="o")
    world.open("b", id="o")
    accounts = Accounts(BlockingLog(world.log), parts=0)

    assert complete(accounts.load("main/a")).state is not None
    assert accounts.recall("main/a") is None


def test_a_history_that_is_too_short_for_a_snapshot_is_read_without_asking_for_one() -> None:
    world = _world_with_history(20)

    class Never(MemorySnapshots):
        async def read(self, account_id: str) -> Snapshot | None:
            raise AssertionError(f"asked for a snapshot of {account_id}")

    accounts = Accounts(BlockingLog(world.log), Never(), snapshot_every=500)
    assert complete(accounts.load(ACCOUNT)).state == evolve_all(None, world.history())


def test_an_account_that_was_never_opened_is_not_remembered() -> None:
    world = memory_world()

    assert complete(world.accounts.load(ACCOUNT)).state is None
    assert world.accounts.recall(ACCOUNT) is None


def test_loading_reads_only_what_is_new(monkeypatch: pytest.MonkeyPatch) -> None:
    world = _world_with_history(20)
    accounts = Accounts(BlockingLog(world.log))
    complete(accounts.load(ACCOUNT))
    world.say(do="remove_addon", account="a1", product="surveys", at="2026-03-20")
    read = world.log.read_account
    rows = []

    def counted(*arguments: object) -> object:
        found = read(*arguments)  # type: ignore[arg-type]
        rows.extend(found)
        return found

    monkeypatch.setattr(world.log, "read_account", counted)

    assert complete(accounts.load(ACCOUNT)).head == world.log.head(ACCOUNT)
    assert len(rows) == 2, "the last one known, and the new one"


def test_a_state_from_a_snapshot_and_later_events_is_that_of_all_events() -> None:
    world = _world_with_history(60)
    history = world.history()
    for at in (1, 7, 30, len(history)):
        snapshots = MemorySnapshots()
        stored = world.log.read_account(ACCOUNT)
        state = evolve_all(None, history[:at])
        assert state is not None
        complete(snapshots.write(ACCOUNT, Snapshot(stored[at - 1].head, state)))

        loaded = complete(Accounts(BlockingLog(world.log), snapshots, snapshot_every=10).load(ACCOUNT))

        assert loaded.state == evolve_all(None, history)
        assert loaded.head == world.log.head(ACCOUNT)


def test_snapshots_are_written_now_and_then_and_by_whoever_folded_much() -> None:
    snapshots = MemorySnapshots()
    world = _world_with_history(48)
    writer = Accounts(BlockingLog(world.log), snapshots, snapshot_every=50)
    complete(writer.load(ACCOUNT))
    assert snapshots.kept == {}

    other = _world_with_history(120)
    complete(Accounts(BlockingLog(other.log), snapshots, snapshot_every=50).load(ACCOUNT))

    assert snapshots.kept[ACCOUNT].head == other.log.head(ACCOUNT)


def test_a_state_of_another_history_is_dropped() -> None:
    """As after a restored backup: the log holds other events under the same versions."""
    lost, restored = _world_with_history(20), _world_with_history(12)
    accounts = Accounts(BlockingLog(lost.log))
    complete(accounts.load(ACCOUNT))
    assert isinstance(restored.log, MemoryEventLog)
    accounts._log = BlockingLog(restored.log)

    loaded = complete(accounts.load(ACCOUNT))

    assert loaded.state == evolve_all(None, restored.history())
    assert accounts.recall(ACCOUNT) == loaded


def test_the_format_of_snapshots_follows_the_modules_that_fold() -> None:
    assert len(snapshots_module.state_format()) == 16
