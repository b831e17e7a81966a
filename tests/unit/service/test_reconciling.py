"""Our books against the payment provider's (`prorata reconcile`): what has no end is asked for; what is
missing, doubled or of another amount is named, both ways, refunds and disputes too."""

from collections.abc import AsyncIterator, Callable, Iterable
from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID, uuid4

import pytest
from msgspec.structs import replace

from domain.calendar import CivilDate
from prorata.wording import wording
from prorata.wording.reconciling import reconciliation_said
from service.catalogue_versions import EXAMPLE
from service.completing import complete
from service.errors import GatewayUnavailable
from service.gateways.port import Movement, RefundMade
from service.messages import charges_by_key
from service.reconciling.comparing import Finding, Reconciliation, Report
from tests.support.service.late_gateway import LateGateway
from tests.support.service.world import NOW, World, memory_world

CONFIRM = {"cvv": "tok_4242", "billing": True}
BUY = {"do": "purchase_plan", "account": "a1", "product": "standard", "confirm": CONFIRM}
NOTE = {
    "do": "credit_note", "account": "a1", "invoice": 1, "line": 1, "net": "5.00", "reason": "service_failure",
}  # fmt: skip
TODAY = NOW.date()


class Provider(LateGateway):
    """A provider whose list a test can falsify, and that can be away."""

    def __init__(self) -> None:
        super().__init__()
        self.falsified: Callable[[list[Movement]], Iterable[Movement]] = iter
        self.away = False

    async def movements(self, day: CivilDate) -> AsyncIterator[Movement]:
        if self.away:
            raise GatewayUnavailable("away")
        for movement in self.falsified([movement async for movement in super().movements(day)]):
            yield movement

    async def refund(
        self, key: UUID, charge: UUID, account_id: str, amount: Decimal, currency: str
    ) -> RefundMade:
        if self.away:
            raise GatewayUnavailable("away")
        return await super().refund(key, charge, account_id, amount, currency)


@pytest.fixture
def provider() -> Provider:
    return Provider()


@pytest.fixture
def world(provider: Provider) -> World:
    """An account that bought its plan by card on 20 March, and had 5.00 back; renewals are debits."""
    world = memory_world(provider)
    provider.now = world.clock.now
    world.library.load(EXAMPLE.read_bytes().replace(b'"2026-01"', b'"2026-02"'), None, NOW)
    world.open(at=None)
    assert world.say_now(**BUY).outcome == "accepted"
    assert world.say_now(**NOTE).outcome == "accepted"
    return world


def reconciled(world: World, day: date = TODAY, pending: Iterable[str] = ()) -> Report:
    """The day's report."""
    gateway = world.gateway
    return complete(Reconciliation(world.service.core, world.log, gateway).of_day(day, pending))


def keys(world: World) -> list[UUID]:
    return list(complete(charges_by_key(world.service.core.ports, "main/a1")))


def told(report: Report) -> list[tuple[str, str]]:
    return [(finding.difference, finding.kind) for finding in report.findings]


def test_books_that_agree_say_so_with_what_moved_in_each_currency(world: World) -> None:
    report = reconciled(world)

    assert (report.agrees, report.unanswered, report.finished, report.disputes) == (True, False, (), 0)
    assert [(t.kind, t.currency, t.our_count, t.our_amount, t.their_amount) for t in report.totals] == [
        ("charge", "EUR", 1, Decimal("20.00"), Decimal("20.00")),
        ("refund", "EUR", 1, Decimal("5.00"), Decimal("5.00")),
    ]
    assert reconciliation_said(report, wording("en")) == [
        "Payments of 20 Mar 2026 (UTC): our books and the payment provider's.",
        "Charged in EUR: €20.00 (1) here, €20.00 (1) at the provider.",
        "Refunded in EUR: €5.00 (1) here, €5.00 (1) at the provider.",
        "The books agree.",
    ]


def test_a_day_without_payments_agrees(world: World) -> None:
    for day in (TODAY - timedelta(days=400), TODAY + timedelta(days=3)):
        report = reconciled(world, day)
        assert (report.agrees, report.totals) == (True, ())


def test_a_charge_that_we_know_nothing_of_is_missing_here(world: World, provider: Provider) -> None:
    strange = Movement("charge", "paid", "pi_9", uuid4(), "main/a1", Decimal("9.99"), "EUR", NOW)
    by_hand = replace(strange, key=None, account_id=None, reference="pi_10", amount=Decimal("1.00"))
    never_paid = replace(strange, status="declined", reference="pi_11")
    provider.falsified = lambda listed: [*listed, strange, by_hand, never_paid]

    report = reconciled(world)

    assert told(report) == [("missing_here", "charge")] * 2
    assert [finding.reference for finding in report.findings] == ["pi_9", "pi_10"]
    assert "The provider has a charge of €9.99 that our books do not have." in reconciliation_said(
        report, wording("en")
    )
    [charges, _] = report.totals
    assert (charges.our_count, charges.their_count, charges.their_amount) == (1, 3, Decimal("30.99"))


@pytest.mark.parametrize("kind", ["charge", "refund"])
def test_what_the_provider_does_not_have_is_missing_there(
    world: World, provider: Provider, kind: str
) -> None:
    provider.falsified = lambda listed: [m for m in listed if m.kind != kind]

    report = reconciled(world)

    assert told(report) == [("missing_there", kind)]
    [finding] = report.findings
    assert (finding.account_id, finding.invoices) == ("main/a1", (1,))


def test_what_the_provider_made_twice_is_named(world: World, provider: Provider) -> None:
    provider.falsified = lambda listed: [*listed, *(replace(m, reference=f"{m.reference}b") for m in listed)]

    assert told(reconciled(world)) == [("doubled", "charge"), ("doubled", "refund")]


@pytest.mark.parametrize(
    "other", [{"amount": Decimal("20.01")}, {"currency": "USD"}, {"amount": Decimal(2000)}]
)
def test_another_amount_or_currency_is_named(
    world: World, provider: Provider, other: dict[str, object]
) -> None:
    provider.falsified = lambda listed: [replace(m, **other) if m.kind == "charge" else m for m in listed]

    assert told(reconciled(world)) == [("other_amount", "charge")]


def test_another_account_is_named(world: World, provider: Provider) -> None:
    provider.falsified = lambda listed: [
        replace(m, account_id="main/a2") if m.kind == "charge" else m for m in listed
    ]

    assert ("other_account", "charge") in told(reconciled(world))


def test_what_was_paid_there_and_not_here_or_here_and_not_there_is_named(
    world: World, provider: Provider
) -> None:
    declined = world.say_now(
        do="purchase_addon", account="a1", product="surveys", confirm={"cvv": "tok_declined", "billing": True}
    )
    assert declined.code == "payment_declined"
    assert reconciled(world).agrees
    swapped = {"paid": "declined", "declined": "paid"}
    provider.falsified = lambda listed: [replace(m, status=swapped.get(m.status, m.status)) for m in listed]

    found = [(f.difference, f.our_status, f.their_status) for f in reconciled(world).findings]
    assert found == [
        ("other_status", "paid", "declined"),
        ("other_status", "declined", "paid"),
        ("missing_there", "paid", None),
    ]


def test_near_midnight_the_provider_may_have_it_on_the_next_day(world: World, provider: Provider) -> None:
    world.clock.advance(timedelta(hours=14, minutes=59, seconds=59))
    provider.now = lambda: world.clock.now() + timedelta(seconds=2)
    line = {"do": "purchase_addon", "account": "a1", "product": "surveys", "confirm": CONFIRM}
    assert world.say_now(**line).outcome == "accepted"

    first, second = reconciled(world), reconciled(world, TODAY + timedelta(days=1))

    assert (first.agrees, second.agrees) == (True, True)
    assert [t.our_count for t in first.totals] == [1, 1]
    assert [(t.kind, t.our_count, t.their_count) for t in second.totals] == [("charge", 1, 1)]


def test_a_charge_whose_process_died_is_finished(world: World, provider: Provider) -> None:
    line = {"do": "purchase_addon", "account": "a1", "product": "surveys", "id": "c1", "confirm": CONFIRM}

    class Died(BaseException):
        pass

    charge = provider.charge

    async def dies(*args: object) -> object:
        await charge(*args)  # type: ignore[arg-type]
        raise Died

    provider.charge = dies  # type: ignore[method-assign, assignment]
    with pytest.raises(Died):
        world.say_now(**line)
    provider.charge = charge  # type: ignore[method-assign]

    young = reconciled(world.twin())
    assert [(one.what, one.outcome) for one in young.finished] == [("payment", "open")]
    assert young.agrees, "a living process may be at it"
    world.clock.advance(timedelta(minutes=10))
    report = reconciled(world.twin())
    assert [(one.what, one.outcome) for one in report.finished] == [("payment", "finished")]
    assert (report.agrees, world.happened()[-1]) == (True, "addon_purchased")


def test_a_refund_that_got_no_answer_is_asked_for_again_and_found_on_the_day_on_which_it_was_made(
    world: World, provider: Provider
) -> None:
    provider.away = True
    assert world.say_now(**{**NOTE, "net": "1.00"}).outcome == "accepted"
    provider.away = False
    world.clock.advance(timedelta(days=5))
    report = reconciled(world, TODAY, ["main/a1"])

    assert [(one.what, one.outcome) for one in report.finished] == [("refund", "finished")]
    assert report.agrees
    later = reconciled(world, TODAY + timedelta(days=5))
    assert (later.agrees, [t.their_amount for t in later.totals]) == (True, [Decimal("1.00")])


def test_while_the_provider_is_away_nothing_is_compared_and_what_has_no_end_says_so(
    world: World, provider: Provider
) -> None:
    provider.away = True
    assert world.say_now(**{**NOTE, "net": "1.00"}).outcome == "accepted"
    with pytest.raises(GatewayUnavailable):
        reconciled(world)

    async def nothing(day: CivilDate) -> AsyncIterator[Movement]:
        for movement in list[Movement]():
            yield movement

    provider.movements = nothing  # type: ignore[method-assign]
    report = reconciled(world)
    assert [(one.what, one.outcome) for one in report.finished] == [("refund", "no_answer")]
    assert report.unanswered


def test_a_late_payment_whose_message_was_lost_is_learned(world: World, provider: Provider) -> None:
    world.clock.advance(timedelta(days=33))
    world.service.settle("main/a1", world.clock.now())
    day = world.clock.now().date()
    waits = reconciled(world, day)
    assert [(one.what, one.outcome) for one in waits.finished] == [("late_payment", "open")]
    assert waits.agrees
    provider.ends(keys(world)[-1], "paid")
    world.clock.advance(timedelta(days=9))

    report = reconciled(world, day)

    assert [(one.what, one.outcome, one.invoice) for one in report.finished] == [
        ("late_payment", "finished", 2)
    ]
    assert (report.agrees, world.happened()[-1]) == (True, "invoice_paid")


def test_a_dispute_whose_message_was_lost_is_recorded(world: World, provider: Provider) -> None:
    provider.disputes(keys(world)[0], "lost")

    report = reconciled(world)

    assert (report.disputes, report.agrees, world.happened()[-1]) == (1, True, "dispute_lost")
    assert reconciled(world).disputes == 0
    assert "1 dispute was not known here and has been recorded." in reconciliation_said(report, wording("en"))


def test_accounts_on_a_test_clock_are_no_part_of_it(world: World) -> None:
    world.open("t1")
    world.say(do="purchase_plan", account="t1", product="standard", at="2026-03-20")

    report = reconciled(world)

    assert [t.our_count for t in report.totals] == [1, 1]


@pytest.mark.parametrize("language", ["en", "fr"])
def test_every_difference_is_said_in_each_language(language: str) -> None:
    finding = Finding(
        "missing_here", "charge", uuid4(), "main/a1", (1,), Decimal("20.00"), "EUR", "paid",
        Decimal("19.00"), "EUR", "declined", "pi_1",
    )  # fmt: skip
    kinds = ("missing_here", "missing_there", "doubled", "other_amount", "other_account", "other_status")
    findings = tuple([replace(finding, difference=kind) for kind in kinds])
    report = Report(TODAY, (), 2, findings, ())

    lines = reconciliation_said(report, wording(language))

    assert len(set(lines)) == 2 + 6 + 1 + 1
    assert not any("{" in line for line in lines)
    assert "pi_1" in lines[3]


def test_a_refused_line_costs_no_report() -> None:
    """Nothing was ever paid: an empty log agrees with an empty list."""
    world = memory_world(Provider())
    assert reconciled(world).agrees
