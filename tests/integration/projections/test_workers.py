"""Workers share the lanes; whichever of them dies, stands still or comes, each event is in the rows once."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from threading import Event, Thread

import psycopg
import pytest

from projections.live.lag import lags
from projections.live.lane_shares import Shares
from projections.live.lanes import ALL_LANES, LANES
from projections.live.projector import Projector
from projections.live.waiting import wait_for
from projections.rebuild.rebuilding import rebuild
from projections.registry import PROJECTIONS
from projections.tables import Connection
from tests.support.command_line import PRORATA, CommandLine
from tests.support.eventlog.sessions import until
from tests.support.projections.fold_driver import Billing
from tests.support.projections.read_models import live_a_little

ACCOUNTS = [f"acme/a-{n}" for n in range(12)]

Worker = subprocess.Popen[bytes]
Starting = Callable[[], Worker]


@pytest.fixture
def starting(projector_url: str) -> Iterator[Starting]:
    """Starts workers, which end with the test."""
    with ExitStack() as stack:

        def start() -> Worker:
            command = [sys.executable, "-m", "tests.support.projections.worker_process", projector_url]
            return stack.enter_context(_ending(subprocess.Popen(command)))

        yield start


@contextmanager
def _ending(worker: Worker) -> Iterator[Worker]:
    try:
        yield worker
    finally:
        worker.send_signal(signal.SIGCONT)
        worker.terminate()
        worker.wait(60)


def holders(connection: Connection) -> list[int | None]:
    """The process that holds each lane."""
    found = [re.search(r" (\d+)$", lane.worker or "") for lane in lags(connection)[0].lanes]
    return [match and int(match[1]) for match in found]


def projected(connection: Connection, billing: Billing) -> bool:
    """Whether every account is shown as it ends in the log."""
    versions = {account_id: billing.log.head(account_id).version for account_id in ACCOUNTS}
    return all(wait_for(connection, billing.log, *last, timeout=60) for last in versions.items())


def differences(owner_url: str, billing: Billing) -> list[str]:
    return [
        str(difference)
        for projection in PROJECTIONS
        for difference in rebuild(owner_url, billing.log, projection, swap=False)
    ]


def test_each_lane_is_held_by_one_worker_however_many_there_are(projector_url: str) -> None:
    with ExitStack() as stack:
        workers: list[Shares] = []
        for count in (1, 2, 3, 5):
            while len(workers) < count:
                workers.append(stack.enter_context(Shares(projector_url, beat=0)))
            assert _held(workers) == list(ALL_LANES)
        for worker in workers[1:]:
            worker.close()
        until(lambda: workers[0].held() == frozenset(ALL_LANES))


def _held(workers: list[Shares]) -> list[int]:
    """What all hold once each has given back what is another one's, and then taken what is free."""
    _, shares = [[worker.held() for worker in workers] for _ in range(2)]
    sizes = [len(share) for share in shares]
    assert max(sizes) - min(sizes) <= 1
    return sorted(lane for share in shares for lane in share)


def test_more_workers_than_lanes_wait_for_one_to_die(projector_url: str) -> None:
    with ExitStack() as stack:
        workers = [stack.enter_context(Shares(projector_url, beat=0)) for _ in range(LANES + 1)]
        assert _held(workers) == list(ALL_LANES)
        [spare] = [worker for worker in workers if not worker.held()]
        busy = next(worker for worker in workers if worker.held())
        busy.close()
        until(lambda: _held([worker for worker in workers if worker is not busy]) == list(ALL_LANES))
        assert spare.held()


def test_what_a_killed_worker_held_is_taken_over_and_nothing_is_lost_or_doubled(
    starting: Starting, billing: Billing, connection: Connection, owner_url: str
) -> None:
    first, second = starting(), starting()
    until(lambda: set(holders(connection)) == {first.pid, second.pid})
    for nth, account_id in enumerate(ACCOUNTS):
        live_a_little(billing, account_id)
        if nth == len(ACCOUNTS) // 2:
            first.kill()
    until(lambda: set(holders(connection)) == {second.pid})
    assert projected(connection, billing)
    assert differences(owner_url, billing) == []


def test_a_worker_that_stood_still_and_goes_on_does_no_harm(
    starting: Starting, billing: Billing, connection: Connection, owner_url: str
) -> None:
    zombie, other = starting(), starting()
    until(lambda: set(holders(connection)) == {zombie.pid, other.pid})
    for nth, account_id in enumerate(ACCOUNTS):
        live_a_little(billing, account_id)
        if nth == len(ACCOUNTS) // 3:
            zombie.send_signal(signal.SIGSTOP)
    until(lambda: set(holders(connection)) == {other.pid})
    assert projected(connection, billing)
    zombie.send_signal(signal.SIGCONT)
    until(lambda: set(holders(connection)) == {zombie.pid, other.pid})
    for account_id in ACCOUNTS:
        billing.settle(account_id, "2026-08-01")
    assert projected(connection, billing)
    assert differences(owner_url, billing) == []


def test_one_that_stands_still_in_the_middle_of_a_copy_is_ended_by_the_next(
    projector_url: str, billing: Billing, connection: Connection, owner_url: str
) -> None:
    """PostgreSQL itself ends no transaction that waits for the rows of a COPY, whatever its timeouts are."""
    for account_id in ACCOUNTS:
        live_a_little(billing, account_id)
    stop = Event()
    with psycopg.connect(projector_url) as zombie, ExitStack() as stack:
        zombie.execute("set transaction_timeout = '1s'")
        zombie.commit()
        zombie.execute("update projections.checkpoints set turn = turn")
        stack.enter_context(pytest.raises(psycopg.errors.AdminShutdown))
        stack.enter_context(zombie.cursor().copy("copy projections.access_windows from stdin"))
        projector = stack.enter_context(Projector(projector_url, billing.log, longest_page=2))
        thread = Thread(target=projector.run, args=[stop])
        thread.start()
        try:
            assert projected(connection, billing)
        finally:
            stop.set()
            thread.join()
    assert differences(owner_url, billing) == []


def test_a_killed_one_of_several_is_started_anew_and_all_end_with_their_parent(
    projector_url: str, billing: Billing, connection: Connection, owner_url: str
) -> None:
    with running("project", "--workers", "2", database_url=projector_url) as parent:
        until(lambda: len(set(holders(connection)) - {None}) == 2)
        killed = next(pid for pid in holders(connection) if pid is not None)
        os.kill(killed, signal.SIGKILL)
        for account_id in ACCOUNTS:
            live_a_little(billing, account_id)
        until(lambda: len(set(holders(connection)) - {None, killed}) == 2)
        assert projected(connection, billing)
        parent.terminate()
        assert parent.wait(60) == 0
    until(lambda: set(holders(connection)) == {None})
    assert differences(owner_url, billing) == []


def test_workers_do_not_outlive_a_parent_that_was_killed(projector_url: str, connection: Connection) -> None:
    with running("project", "--workers", "2", database_url=projector_url) as parent:
        until(lambda: len(set(holders(connection)) - {None}) == 2)
        parent.kill()
        until(lambda: set(holders(connection)) == {None})


def test_workers_that_have_to_stop_for_a_person_end_with_that_code(
    projector_url: str, projector: Projector, billing: Billing, connection: Connection
) -> None:
    live_a_little(billing, ACCOUNTS[0])
    projector.run_once()
    connection.execute("update projections.checkpoints set hash = sha256('another')")
    with running("project", "--workers", "2", database_url=projector_url) as parent:
        assert parent.wait(60) == 4


def running(*arguments: str, database_url: str) -> AbstractContextManager[Worker]:
    command = CommandLine(database_url)
    return _ending(subprocess.Popen([PRORATA, *arguments], env=command.environment))
