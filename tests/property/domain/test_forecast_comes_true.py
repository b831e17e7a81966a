"""The forecast of a random history is what then happens when everything is paid (R48)."""

from __future__ import annotations

from random import Random

from domain.calendar import begins_at, date_of, twelve_months_after
from domain.forecast import forecast
from prorata.simulation.run import Method, VirtualAccount
from tests.reference.stories import story
from tests.support.domain.playing import fork, played


def test_the_forecast_is_what_then_happens_when_everything_is_paid() -> None:
    told = 0
    for seed in range(80):
        account = played(story(Random(seed)))
        at = account.account.last_at
        coming = forecast(account.account, at, account.catalogues)
        foreseen = coming.invoices
        issued = len(account.invoices)
        happened = _settled_for_a_year(account)
        later = [entry.invoice for entry in list(happened.invoices.values())[issued:]]
        assert [(i.number, i.date, i.total, i.lines) for i in foreseen] == [
            (i.number, i.date, i.total, i.lines) for i in later
        ]
        first = coming.next_invoice
        assert first is None or not foreseen or first == foreseen[0]
        told += len(foreseen)
    assert told > 300


def _settled_for_a_year(account: VirtualAccount) -> VirtualAccount:
    later = fork(account)
    later.method = Method(True)
    end = twelve_months_after(date_of(later.account.last_at, later.account.time_zone))
    later.settle(begins_at(end, later.account.time_zone))
    return later
