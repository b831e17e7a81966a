"""Two projectors at once: one wins each page, and the rows are those of one alone."""

from collections.abc import Callable, Mapping
from threading import Barrier, Thread

from domain.commands import PurchasePlan
from eventlog import StoredEvent
from eventlog.history import HistoryChunk
from eventlog.postgres.log import PostgresEventLog
from projections.live import checkpoints
from projections.live.projector import Counts, Projector
from projections.registry import FOLDS
from projections.tables import Connection
from tests.support.projections.fold_driver import Billing
from tests.support.projections.read_models import folded, live_a_little, shown

ACCOUNTS = [f"acme/a-{n}" for n in range(6)]


class InterruptedLog(PostgresEventLog):
    """Does something, once, between reading a page and giving it to the projector; or, while the page is
    folded, before the earlier events of its accounts are read."""

    after_reading: Callable[[], object] | None = None
    while_folding: Callable[[], object] | None = None

    def read_settled(self, after: int, limit: int, shards: range | None = None) -> list[StoredEvent]:
        page = super().read_settled(after, limit, shards)
        if page and self.after_reading is not None:
            meanwhile, self.after_reading = self.after_reading, None
            meanwhile()
        return page

    def histories_up_to(self, versions: Mapping[str, int]) -> list[HistoryChunk]:
        if self.while_folding is not None:
            meanwhile, self.while_folding = self.while_folding, None
            meanwhile()
        return super().histories_up_to(versions)


def test_the_one_that_comes_second_writes_nothing(
    billing: Billing, projector: Projector, connection: Connection, projector_url: str
) -> None:
    for account_id in ACCOUNTS:
        live_a_little(billing, account_id)
    log = InterruptedLog(projector_url)
    log.after_reading = projector.run_once
    with Projector(projector_url, log, page=10) as slow:
        assert slow.run_page() == Counts(lost_pages=1)
        assert slow.run_once() == Counts()
    log.close()
    for account_id in ACCOUNTS:
        assert shown(connection, account_id) == folded(billing.log, account_id)


def test_the_one_that_was_overtaken_by_half_a_page_does_the_rest(
    billing: Billing, projector: Projector, connection: Connection, projector_url: str
) -> None:
    for account_id in ACCOUNTS:
        live_a_little(billing, account_id)
    log = InterruptedLog(projector_url)
    log.after_reading = lambda: projector.run_once(until=7)
    with Projector(projector_url, log, page=50) as slow:
        done = slow.run_once()
    log.close()
    assert done.lost_pages == 1
    assert done.events == billing.log.last_position() - 7
    for account_id in ACCOUNTS:
        assert shown(connection, account_id) == folded(billing.log, account_id)


def test_an_account_released_while_its_page_was_folded_is_not_left_out(
    billing: Billing, projector: Projector, connection: Connection, projector_url: str
) -> None:
    held, other = ACCOUNTS[:2]
    for account_id in (held, other):
        billing.open(account_id, "2026-03-20")
    projector.run_once()
    connection.execute(
        "insert into projections.parked (projection, account_id, version, position, error) "
        "select distinct projection, %s, 2, 3, 'by hand' from projections.checkpoints",
        [held],
    )
    for account_id in (held, other):
        billing.give(account_id, PurchasePlan("standard"), "2026-03-21")
    log = InterruptedLog(projector_url)
    released: list[object] = []
    log.while_folding = lambda: released.append(projector.release(held))
    with Projector(projector_url, log) as slow:
        assert slow.run_page() == Counts(lost_pages=1)
        slow.run_once()
    log.close()
    assert released == [dict.fromkeys(FOLDS)]
    for account_id in (held, other):
        assert shown(connection, account_id) == folded(billing.log, account_id)


def test_racing_ones_end_with_the_rows_of_one(
    billing: Billing, connection: Connection, projector_url: str
) -> None:
    for account_id in ACCOUNTS:
        live_a_little(billing, account_id)
    together, done = Barrier(3), [Counts()] * 3

    def race(n: int) -> None:
        with Projector(projector_url, billing.log, page=4 + n) as projector:
            together.wait(60)
            done[n] = projector.run_once()

    racers = [Thread(target=race, args=[n]) for n in range(3)]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join(60)
    assert sum(counts.events for counts in done) == billing.log.last_position()
    assert {c.position for c in checkpoints.read_all(connection)} == {billing.log.last_position()}
    for account_id in ACCOUNTS:
        assert shown(connection, account_id) == folded(billing.log, account_id)
