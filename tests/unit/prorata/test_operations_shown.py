"""How the console shows the state of the system: the last hour's lags, and no other tenant's accounts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from prorata.pages.console.operating import named_for
from prorata.status.report import Overdue, ReaderLag, Status
from prorata.status.sampling import KEPT, LagHistory
from publishing.halts import Halt

AT = datetime(2026, 4, 5, 12, tzinfo=UTC)
NOTHING = Status(AT, 0, None, None, None, False, None, (), (), (), (), (), Overdue(0, 0.0), 0, (), (), ())


def seen(minutes: int, seconds: float | None) -> Status:
    return replace(
        NOTHING, at=AT + timedelta(minutes=minutes), projections=(ReaderLag("invoices", 7, seconds),)
    )


def test_each_reader_has_a_series_of_what_was_seen() -> None:
    lags = LagHistory()
    assert lags.series() == ()
    assert lags.take(seen(0, 1.5))
    assert not lags.take(seen(1, None))
    assert not lags.take(seen(2, 0.5))
    [series] = lags.series()
    assert (series.kind, series.name) == ("read model", "invoices")
    assert [seconds for _, seconds in series.points] == [1.5, None, 0.5]
    assert (series.most, series.last) == (1.5, 0.5)


def test_what_was_seen_more_than_an_hour_ago_is_forgotten() -> None:
    lags = LagHistory()
    for minutes in range(0, 120, 10):
        lags.take(seen(minutes, float(minutes)))
    [series] = lags.series()
    assert series.points[0][0] == AT + timedelta(minutes=110) - KEPT
    assert series.most == 110.0


def test_a_halt_names_accounts_of_the_tenant_alone() -> None:
    message = (
        "the event at position 7 (account 'globex/a b', version 2) follows 'acme/a-1', see \"globex/o'x\""
    )
    halted = replace(NOTHING, halts=(Halt("relay", "event_forged", message, AT),))
    [halt] = named_for("acme", halted).halts
    assert halt.message == ("the event at position 7 (account '…', version 2) follows 'acme/a-1', see \"…\"")
    assert "globex" not in " ".join(named_for("acme", halted).troubles)
