"""Threads that append to the same accounts at once."""

from concurrent.futures import ThreadPoolExecutor
from random import Random

from eventlog import EventLog, StoredEvent, VersionConflict, verify_account
from tests.support.eventlog.doors import EVERY_DOOR
from tests.support.eventlog.sample_events import new_events, versions

pytestmark = EVERY_DOOR

THREADS = 6
WINS_OF_EACH = 15
ACCOUNTS = [f"acme/hot-{nth}" for nth in range(3)]


def test_every_win_is_whole_and_every_loss_leaves_nothing(log: EventLog) -> None:
    def writer(seed: int) -> list[list[StoredEvent]]:
        random, won = Random(seed), list[list[StoredEvent]]()
        while len(won) < WINS_OF_EACH:
            account_id = random.choice(ACCOUNTS)
            try:
                won.append(log.append(account_id, log.head(account_id), new_events(random.randint(1, 4))))
            except VersionConflict:
                continue
        return won

    with ThreadPoolExecutor(THREADS) as pool:
        wins = [win for each in pool.map(writer, range(THREADS)) for win in each]

    assert len(wins) == THREADS * WINS_OF_EACH
    histories = {account_id: log.read_account(account_id) for account_id in ACCOUNTS}
    for win in wins:
        assert histories[win[0].account_id][win[0].version - 1 : win[-1].version] == win
    assert sum(map(len, histories.values())) == sum(map(len, wins))
    for history in histories.values():
        assert versions(history) == list(range(1, len(history) + 1))
        assert verify_account(log.log_id, history) is None
    in_order = [event for event in log.read_settled(0, 10_000) if event.account_id == ACCOUNTS[0]]
    assert in_order == histories[ACCOUNTS[0]]
