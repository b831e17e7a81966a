"""The rate of the rules alone, without log, payment or serialisation, on one core."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from msgspec.structs import replace

from domain import commands as c
from domain import events as e
from domain.calendar import CivilDate, Instant
from domain.catalog import Catalogues, parse_catalog
from domain.conclude import conclude
from domain.decide import Decision, decide
from domain.evolve import evolve
from domain.settle import settle
from domain.state import Account
from domain.tax import TaxRow, TaxTable
from scripts.bench.measured import Measured, against, compared

BEGIN = datetime(2026, 1, 15, 9, 0, tzinfo=UTC)
DATES = 240
"""The number of renewal dates settled in a row: twenty years."""


def domain(*, rounds: int) -> Iterator[Measured]:
    """Yield commands decided, renewals settled and events folded in a second of processor time. There is no
    peer, but for settling with two taxes and a discount, whose peer is settling without them."""
    catalogues = _catalogues()
    begun = _opened(catalogues)
    history = _settled(begun, catalogues)[1]
    yield _measured("decide and evolve", "commands/s", rounds, lambda: _commands(begun, catalogues))
    yield _measured("settle", "renewals/s", rounds, lambda: _renewals(begun, catalogues))
    yield _measured("evolve", "events/s", rounds, lambda: _folded(begun, history))
    asked = replace(catalogues, taxes=TWO_TAXES)
    taxed = _opened(asked, PROFILE, DISCOUNT)
    yield compared(
        "settle with two taxes and a discount",
        "renewals/s",
        ours=lambda: _rate(lambda: _renewals(taxed, asked)),
        peer=lambda: _rate(lambda: _renewals(begun, catalogues)),
        peer_is="without them",
        rounds=rounds,
    )


def _measured(name: str, unit: str, rounds: int, work: Callable[[], int]) -> Measured:
    """The rate of `work`, which returns how many items it did. Its first run, which fills caches, does not
    count."""
    work()
    return against(name, unit, [_rate(work) for _ in range(rounds)])


def _rate(work: Callable[[], int]) -> float:
    begin = time.process_time()
    return work() / (time.process_time() - begin)


def _catalogues() -> Catalogues:
    from service.catalogue_versions import EXAMPLE

    return Catalogues.always(parse_catalog(EXAMPLE.read_bytes()))


TWO_TAXES = TaxTable(
    "CA",
    (
        TaxRow("CA", Decimal(5), CivilDate(2008, 1, 1)),
        TaxRow("CA", Decimal("9.975"), CivilDate(2013, 1, 1), "QC"),
    ),
)
PROFILE = c.SetTaxProfile("CA", "consumer", "QC")
DISCOUNT = c.GrantDiscount(percent="15", duration="forever")


def _opened(catalogues: Catalogues, *before: c.Command) -> Account:
    """An account with a plan and two add-ons that renew with it; `before`: what is done before them."""
    state = None
    for at, command in (
        (BEGIN, c.OpenAccount("EUR", "Europe/Paris", "test")),
        *[(BEGIN, command) for command in before],
        (BEGIN, c.PurchasePlan("standard")),
        (BEGIN, c.PurchaseAddon("custom_domain")),
        (BEGIN + timedelta(days=5), c.PurchaseAddon("surveys")),
    ):
        state = _given(state, command, at, catalogues)
    assert state is not None
    return state


def _given(state: Account | None, command: c.Command, at: Instant, catalogues: Catalogues) -> Account:
    """The state after the command, its payment paid."""
    role = "finance" if isinstance(command, c.GrantDiscount) else "owner"
    decided = decide(state, c.Request(command, at, "test", role, cvv=True, billing=True), catalogues)
    assert isinstance(decided, Decision), decided
    for event in decided.events:
        state = evolve(state, event)
    assert state is not None
    return state if state.payment is None else evolve(state, conclude(state, "paid", catalogues)[0])


WHAT_PEOPLE_DO: tuple[c.Command, ...] = (
    c.RemoveAddon("surveys"),
    c.Undo("surveys"),
    c.ChangePlan("essentials"),
    c.ChangePlan("standard"),
    c.PurchaseAddon("inbox_preview"),
    c.CancelPlan("marketing"),
    c.Undo("standard"),
    c.StartTransactional(45),
    c.TopUpTransactional(2),
    c.ChangePlan("standard", "2500"),
)


def _commands(begun: Account, catalogues: Catalogues) -> int:
    times = 100
    for _ in range(times):
        state = begun
        for command in WHAT_PEOPLE_DO:
            state = _given(state, command, BEGIN + timedelta(days=6), catalogues)
    return times * len(WHAT_PEOPLE_DO)


def _settled(state: Account, catalogues: Catalogues) -> tuple[Account, list[e.Event]]:
    """The account after DATES renewals, with every payment paid, and the events."""
    until = BEGIN + timedelta(days=365.25 * (DATES + 0.5) / 12)
    events: list[e.Event] = []
    while due := settle(state, until, catalogues):
        for event in due:
            state = evolve(state, event)
        if state.payment is not None:
            due += conclude(state, "paid", catalogues)
            state = evolve(state, due[-1])
        events += due
    return state, events


def _renewals(state: Account, catalogues: Catalogues) -> int:
    events = _settled(state, catalogues)[1]
    return sum(len(event.renewals) for event in events if isinstance(event, e.CyclesRenewed))


def _folded(state: Account, history: list[e.Event]) -> int:
    for event in history:
        state = evolve(state, event)
    return len(history)
