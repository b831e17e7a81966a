"""Catalogues and snapshots are kept as they were given."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from domain.events import Event
from domain.evolve import evolve_all
from domain.state import Account
from eventlog.records import Head
from service.accounts import Accounts
from service.catalogues import CatalogueStore, digest_of
from service.snapshots import Snapshot, Snapshots
from tests.support.service.world import NOW, memory_world


def test_versions_are_numbered_from_one_in_the_order_in_which_they_can_be_seen(store: CatalogueStore) -> None:
    assert (store.newest(), store.versions()) == (0, [])

    def add(nth: int) -> int:
        body = b"%d" % nth
        return store.add(body, digest_of(body), NOW + timedelta(days=nth), NOW)

    with ThreadPoolExecutor(4) as pool:
        numbers = sorted(pool.map(add, range(8)))

    assert numbers == list(range(1, 9))
    assert store.newest() == 8
    assert [v.version for v in store.versions()] == numbers
    for version in store.versions():
        assert version.sha256 == digest_of(version.body)
        assert version.effective_from == NOW + timedelta(days=int(version.body))


def test_pinned_catalogues_are_found_by_their_digest(store: CatalogueStore) -> None:
    store.pin("abc", b"first")
    store.pin("abc", b"first")

    assert store.pinned("abc") == b"first"
    assert store.pinned("abd") is None


def test_the_latest_snapshot_of_an_account_is_read_as_it_was_written(snapshots: Snapshots) -> None:
    world = memory_world()
    world.open()
    world.say(do="purchase_plan", account="a1", product="standard", at="2026-03-20", id="c1")
    world.say(do="start_transactional", account="a1", blocks=3, at="2026-04-05", id="c2")
    world.say(do="purchase_addon", account="a1", product="surveys", at="2026-04-07", payment="declined")
    world.say(do="pause_plan", account="a1", family="marketing", resume_on="2026-06-01", at="2026-04-08")
    stored = world.log.read_account("main/a1")
    assert snapshots.read("main/a1") is None

    for upto in range(1, len(stored) + 1):
        snapshot = Snapshot(stored[upto - 1].head, _state_at(world.history(), upto))
        snapshots.write("main/a1", snapshot)
        assert snapshots.read("main/a1") == snapshot

    older = Snapshot(stored[0].head, _state_at(world.history(), 1))
    snapshots.write("main/a1", older)
    latest = snapshots.read("main/a1")
    assert latest is not None
    assert latest.head == stored[-1].head
    assert isinstance(latest.head, Head)
    assert Accounts(world.log, snapshots).load("main/a1").state == latest.state


def _state_at(history: list[Event], upto: int) -> Account:
    state = evolve_all(None, history[:upto])
    assert state is not None
    return state
