"""Catalogues and snapshots are kept as they were given."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from msgspec.structs import replace

from domain.catalog_file import digest_of
from domain.errors import InvalidInput
from domain.events import Event
from domain.evolve import evolve_all
from domain.state import Account
from eventlog.records import Head
from service.account_log import BlockingLog
from service.accounts import Accounts
from service.catalogue_store import SOON, CatalogueStore
from service.catalogue_versions import CatalogueVersion
from service.completing import complete
from service.snapshots import Snapshot, Snapshots
from tests.support.service.world import NOW, memory_world


def test_versions_are_numbered_from_one_in_the_order_in_which_they_can_be_seen(store: CatalogueStore) -> None:
    assert (store.stamp(), store.versions()) == ((0, 0, 0), [])

    def add(nth: int) -> int:
        body = b"%d" % nth
        return store.add(body, digest_of(body), NOW + timedelta(days=nth), NOW)[0].version

    with ThreadPoolExecutor(4) as pool:
        numbers = sorted(pool.map(add, range(8)))

    assert numbers == list(range(1, 9))
    assert store.stamp() == (8, 0, 0)
    assert [v.version for v in store.versions()] == numbers
    for version in store.versions():
        assert version.sha256 == digest_of(version.body)
        assert version.effective_from == NOW + timedelta(days=int(version.body))


def load(store: CatalogueStore, body: bytes, days: int = 0) -> tuple[int, bool]:
    """The number of the version, and whether it is a new one."""
    version, new = store.add(body, digest_of(body), NOW + timedelta(days=days), NOW)
    return version.version, new


def test_what_is_in_force_then_anyway_is_not_loaded_again(store: CatalogueStore) -> None:
    assert load(store, b"a") == (1, True)
    assert load(store, b"b", days=10) == (2, True)

    assert load(store, b"a") == (1, False), "in force now"
    assert load(store, b"a", days=9) == (1, False), "still in force then"
    assert load(store, b"b", days=10) == (2, False)
    assert load(store, b"b", days=30) == (2, False)
    assert load(store, b"a", days=10) == (3, True), "it takes the other one's place"
    assert load(store, b"b", days=5) == (4, True), "earlier than it was to come"
    assert len(store.versions()) == 4


def test_the_same_catalogue_loaded_by_many_at_once_is_one_version(store: CatalogueStore) -> None:
    with ThreadPoolExecutor(8) as pool:
        loads = list(pool.map(lambda _: load(store, b"a", days=1), range(8)))

    assert sorted(loads) == [(1, False)] * 7 + [(1, True)]
    assert len(store.versions()) == 1


def test_of_loads_at_once_each_is_admitted_beside_all_that_were_added_before(store: CatalogueStore) -> None:
    def only_one(versions: Sequence[CatalogueVersion], version: CatalogueVersion) -> None:
        if versions:
            raise InvalidInput("taken", "", f"there are {len(versions)}")

    def add(nth: int) -> bool:
        body = b"%d" % nth
        try:
            return store.add(body, digest_of(body), NOW + timedelta(days=nth), NOW, only_one)[1]
        except InvalidInput:
            return False

    with ThreadPoolExecutor(8) as pool:
        added = list(pool.map(add, range(8)))

    assert sorted(added) == [False] * 7 + [True]
    assert len(store.versions()) == 1


def test_a_withdrawn_version_keeps_its_place_and_its_mark(store: CatalogueStore) -> None:
    load(store, b"a")
    load(store, b"b", days=10)
    before, stamp = store.versions(), store.stamp()
    later = NOW + timedelta(days=1)

    withdrawn, new = store.withdraw(2, later)

    assert (withdrawn, new) == (replace(before[1], withdrawn_at=later), True)
    assert store.versions() == [before[0], withdrawn]
    assert store.stamp() != stamp, "who keeps a copy learns of it"
    assert store.withdraw(2, later + timedelta(days=1)) == (withdrawn, False)
    assert load(store, b"b", days=10) == (3, True), "what was withdrawn can be loaded again"


@pytest.mark.parametrize(
    ("version", "code"), [(1, "catalogue_in_force"), (2, "catalogue_in_force"), (3, "unknown_version")]
)
def test_only_what_is_scheduled_can_be_withdrawn(store: CatalogueStore, version: int, code: str) -> None:
    load(store, b"a")
    load(store, b"b", days=10)
    with pytest.raises(InvalidInput) as refused:
        store.withdraw(version, NOW + timedelta(days=10) - SOON)
    assert refused.value.code == code
    assert all(v.withdrawn_at is None for v in store.versions())


def test_withdrawals_at_once_are_one(store: CatalogueStore) -> None:
    load(store, b"a", days=1)
    with ThreadPoolExecutor(8) as pool:
        marks = list(pool.map(lambda nth: store.withdraw(1, NOW + timedelta(seconds=nth)), range(8)))

    [at] = {withdrawn.withdrawn_at for withdrawn, _ in marks}
    assert sorted(new for _, new in marks) == [False] * 7 + [True]
    assert [v.withdrawn_at for v in store.versions()] == [at]


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
    assert complete(snapshots.read("main/a1")) is None

    for upto in range(1, len(stored) + 1):
        snapshot = Snapshot(stored[upto - 1].head, _state_at(world.history(), upto))
        complete(snapshots.write("main/a1", snapshot))
        assert complete(snapshots.read("main/a1")) == snapshot

    older = Snapshot(stored[0].head, _state_at(world.history(), 1))
    complete(snapshots.write("main/a1", older))
    latest = complete(snapshots.read("main/a1"))
    assert latest is not None
    assert latest.head == stored[-1].head
    assert isinstance(latest.head, Head)
    assert complete(Accounts(BlockingLog(world.log), snapshots).load("main/a1")).state == latest.state


def _state_at(history: list[Event], upto: int) -> Account:
    state = evolve_all(None, history[:upto])
    assert state is not None
    return state


def test_terms_are_kept_in_versions_of_their_kind_and_the_latest_is_not_added_twice(
    store: CatalogueStore,
) -> None:
    assert store.terms("tax") == []
    stamp = store.stamp()

    first, second = store.add_terms("tax", b"a", NOW), store.add_terms("tax", b"b", NOW + SOON)
    codes = store.add_terms("discounts", b"a", NOW)

    assert [(v.version, v.body, new) for v, new in (first, second, codes)] == [
        (1, b"a", True), (2, b"b", True), (1, b"a", True),
    ]  # fmt: skip
    assert store.add_terms("tax", b"b", NOW + 2 * SOON) == (second[0], False)
    assert store.add_terms("tax", b"a", NOW + 2 * SOON)[0].version == 3
    assert [(v.version, v.loaded_at) for v in store.terms("tax")][:2] == [(1, NOW), (2, NOW + SOON)]
    assert store.stamp() != stamp, "who keeps a copy learns of it"


def test_terms_loaded_by_many_at_once_are_one_version(store: CatalogueStore) -> None:
    with ThreadPoolExecutor(4) as pool:
        added = list(pool.map(lambda _: store.add_terms("tax", b"a", NOW), range(8)))

    assert [new for _, new in added].count(True) == 1
    assert [version.version for version in store.terms("tax")] == [1]
