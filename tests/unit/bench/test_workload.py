"""The histories that are measured with: the domain's own, the same ones for the same seed."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise

import pytest

from domain.evolve import evolve
from domain.state import Account
from eventlog.codec import domain_codec
from eventlog.records import NewEvent
from scripts.bench.workload import BATCH, appends, batches, stories


def _histories(events: int, seed: int = 1, *, parts: int = 1) -> dict[str, list[NewEvent]]:
    histories: dict[str, list[NewEvent]] = defaultdict(list)
    for part in range(parts):
        for batch in batches(events, seed, part=part, parts=parts):
            for account, new in batch:
                histories[account] += new
    return histories


@pytest.mark.parametrize("events", [1, 999, 5_000])
def test_there_are_exactly_as_many_events_as_were_asked_for(events: int) -> None:
    assert sum(map(len, _histories(events).values())) == events


def test_each_account_is_folded_from_its_first_event_to_its_last() -> None:
    codec = domain_codec()
    for account, history in _histories(3_000).items():
        state: Account | None = None
        for version, new in enumerate(history, 1):
            state = evolve(state, codec.decode(new.type, new.schema_version, new.state))
            assert state.version == version, account


def test_accounts_stand_between_one_another_in_order_of_time() -> None:
    found = list(batches(20_000))
    assert all(sum(len(new) for _, new in batch) == BATCH for batch in found)
    assert sum(len(batch) for batch in found) > len(found) * BATCH / 10
    begins = [min(new[0].effective_at for _, new in batch) for batch in found]
    assert all(before <= after for before, after in pairwise(begins))


def test_the_same_seed_gives_the_same_events_and_another_one_others() -> None:
    assert _histories(2_000) == _histories(2_000)
    assert _histories(2_000) != _histories(2_000, seed=2)


def test_no_event_id_is_used_twice() -> None:
    found = [*batches(5_000, tenant="one"), *batches(5_000, tenant="another")]
    ids = [each.event_id for batch in found for _, new in batch for each in new]
    assert len(set(ids)) == len(ids)


def test_the_parts_are_together_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scripts.bench.workload.COHORT", 20)
    assert _histories(5_000, parts=3) == _histories(5_000)


def test_whole_histories_are_there_account_after_account() -> None:
    [first, *_] = appends(100)
    assert [new.state for new in first.events] == [new.state for new in stories()[0]]


def test_the_histories_hold_what_accounts_do() -> None:
    types = {new.type for story in stories() for new in story}
    assert types >= {
        "account_opened",
        "plan_purchased",
        "addon_purchased",
        "plan_changed",
        "plan_paused",
        "plan_resumed",
        "cycles_renewed",
        "renewal_declined",
        "invoice_paid",
        "credits_purchased",
        "downgrade_scheduled",
        "items_lapsed",
    }
