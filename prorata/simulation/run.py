"""Run a scenario: the same conversation with the domain as the service's, with a list for a log and a flag
for a payment gateway."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal

import msgspec
from msgspec import UNSET, UnsetType

from domain import commands as c
from domain import events as e
from domain.answers import Answer, Outcome, answer_of
from domain.calendar import Instant
from domain.catalog import Catalogues
from domain.conclude import PaymentAnswer
from domain.decide import STAFF_COMMANDS, Repeated
from domain.errors import InvalidCatalog, InvalidInput
from domain.events import Invoice, InvoiceStatus
from domain.evolve import evolve, evolve_all
from domain.facts import FACTS_AFTER, Facts
from domain.happened import Chronicle
from domain.own_catalog import new_versions
from domain.process import RefundAnswer, consent_answered, drive, handle, late_answered, settle_due
from domain.state import Account, PendingPayment
from domain.tax import TaxUnavailable
from prorata.simulation.compare import Mismatch, answer_mismatches, mismatches
from prorata.simulation.expected import Expectation
from prorata.simulation.scenario import CommandStep, PaymentAnswerStep, PaymentMethodStep, Scenario, Step
from prorata.simulation.shown import Shown, shown


class StepResult(msgspec.Struct, frozen=True):
    """The result of a step; `charged` and `answer` are None if it was rejected or is no command."""

    outcome: Outcome
    code: str | None
    charged: Decimal | None
    answer: Facts | None
    events: tuple[str, ...]


class Result(msgspec.Struct, frozen=True):
    """The result of a scenario: whether it holds, the mismatches, each step's result, and the end state
    (docs/scenarios.md)."""

    name: str
    rules: tuple[str, ...]
    ok: bool
    mismatches: tuple[Mismatch, ...]
    steps: tuple[StepResult, ...]
    state: Shown


class InvoiceEntry(msgspec.Struct, frozen=True):
    """An invoice, and whether it is paid."""

    invoice: Invoice
    status: InvoiceStatus


class Method(msgspec.Struct, frozen=True):
    """The saved payment method: whether it works, whether its declines are for good (R54), and whether
    renewals are answered late (R98)."""

    works: bool = True
    final: bool = False
    pending: bool = False

    @property
    def declined(self) -> PaymentAnswer:
        """Its declines."""
        return "declined_final" if self.final else "declined"

    def answer(self, payment: PendingPayment) -> PaymentAnswer:
        """Its answer to a charge."""
        if not self.works:
            return self.declined
        return "pending" if self.pending and payment.purpose == "renewal" else "paid"


class VirtualAccount:
    """One account on a virtual clock, with its events in a list and its payments answered as the story
    says."""

    def __init__(self, currency: str, time_zone: str, catalogues: Catalogues, at: Instant) -> None:
        self.catalogues = catalogues
        self.history: list[e.Event] = []
        self.chronicle = Chronicle(time_zone)
        self.method = Method()
        self.answers: dict[str, Answer] = {}
        self.now = at
        self.state: Account | None = None
        opening = c.OpenAccount(currency, time_zone, "test")
        self.give(c.Request(opening, at, "test"))

    def give(
        self,
        request: c.Request,
        *,
        own_payment: PaymentAnswer | None = None,
        refund: RefundAnswer = "refunded",
        new_method: Method | None = None,
    ) -> Answer:
        """Give a command. `own_payment`: the answer to its payment, if it is not the saved method's;
        `refund`: that to its refund; `new_method`: the one that it saves."""

        def append(events: tuple[e.Event, ...]) -> Account:
            if new_method is not None and any(isinstance(event, e.PaymentMethodSet) for event in events):
                self.method = new_method
            return self.record(events)

        def charge(payment: PendingPayment) -> PaymentAnswer:
            if own_payment is not None and payment.purpose in ("purchase", "balance"):
                return self.method.declined if own_payment == "declined" else own_payment
            return self.method.answer(payment)

        before = self.state
        answered = drive(
            handle(before, request, self.catalogues),
            append=append,
            charge=charge,
            refund=lambda _: refund,
        )
        if isinstance(answered, Repeated):
            assert request.id is not None
            return self._answer_again(request.command, request.id)
        if request.id is not None and answered.events:
            self.answers[request.id] = answered
        if isinstance(request.command, c.ChangeCatalog) and before and answered.outcome == "accepted":
            later = new_versions(self.catalogues, before, request.command, request.at).in_order()
            self.catalogues = self.catalogues.followed_by(request.at, *later)
        return answered

    def _answer_again(self, command: c.Command, key: str) -> Answer:
        """The first answer; of a payment that waited for the customer, how it ended since (R96)."""
        first = self.answers[key]
        if first.outcome != "action_required":
            return first
        own = [n for n, event in enumerate(self.history) if event.command and event.command.id == key]
        then = evolve_all(None, self.history[: own[-1] + 1])
        assert then is not None
        return answer_of(command, [self.history[n] for n in own], then, self.catalogues)

    def settle(self, until: Instant) -> None:
        """Settle what is due up to the instant."""
        self.now = until
        with suppress(TaxUnavailable):
            conversation = settle_due(self.account, until, self.catalogues)
            drive(conversation, append=self.record, charge=self.method.answer)

    def payment_answered(self, answer: PaymentAnswerStep, at: Instant) -> None:
        """The payment that waits, or the late one of that invoice, ends so at the instant (R96, R98)."""
        self.settle(at)
        state = self.account
        if answer.invoice is not None:
            paid = answer.answer == "paid"
            drive(
                late_answered(state, answer.invoice, at, self.catalogues, paid=paid),
                append=self.record,
                charge=self.method.answer,
            )
        elif state.payment is not None:
            drive(
                consent_answered(
                    state, "paid" if answer.answer == "paid" else self.method.declined, self.catalogues
                ),
                append=self.record,
                charge=self.method.answer,
            )
            self.settle(at)

    def shown(self) -> Shown:
        """The account as a story shows it, what it once held in catalogue order too."""
        state = self.account
        return shown(
            state, self.chronicle, self.catalogues.ever_sold(state.last_at), self.catalogues, at=self.now
        )

    @property
    def invoices(self) -> dict[int, InvoiceEntry]:
        """The invoices as they stand, by number."""
        state = self.account
        return {n: InvoiceEntry(invoice, state.record(n).status) for n, invoice in state.invoices.items()}

    @property
    def account(self) -> Account:
        """The account's state."""
        assert self.state is not None
        return self.state

    def record(self, events: tuple[e.Event, ...]) -> Account:
        """The state after the events, which happened."""
        for event in events:
            self.state = evolve(self.state, event)
            self.chronicle.take(event)
        self.history.extend(events)
        return self.account


def run(scenario: Scenario) -> Result:
    """Play the story to its end and compare it with what it expects.

    Raises InvalidInput for a step that cannot be taken, such as a new price for a product that is not sold.
    """
    found: list[Mismatch] = []
    account, results = _played(scenario, found)
    end = account.shown()
    found += mismatches(scenario.expect, end, scenario.time_zone, "$.expect")
    return Result(scenario.name, scenario.rules, not found, tuple(found), results, end)


def history_of(scenario: Scenario) -> list[e.Event]:
    """The events of the story, in order."""
    return _played(scenario, [])[0].history


def _played(scenario: Scenario, found: list[Mismatch]) -> tuple[VirtualAccount, tuple[StepResult, ...]]:
    begin = scenario.steps[0].at if scenario.steps else scenario.until
    catalogues = msgspec.structs.replace(
        Catalogues.always(scenario.catalog), taxes=scenario.taxes, codes=scenario.codes
    )
    account = VirtualAccount(scenario.currency, scenario.time_zone, catalogues, begin)
    results = tuple([_take(account, step, scenario, found) for step in scenario.steps])
    account.settle(scenario.until)
    return account, results


def _take(account: VirtualAccount, step: Step, scenario: Scenario, found: list[Mismatch]) -> StepResult:
    do = step.do
    if isinstance(do, PaymentMethodStep):
        account.settle(step.at)
        account.method = Method(do.works, do.final, do.pending)
        return StepResult("accepted", None, None, None, ())
    if isinstance(do, PaymentAnswerStep):
        account.payment_answered(do, step.at)
        return StepResult("accepted", None, None, None, ())
    if isinstance(do, Expectation):
        account.settle(step.at)
        found += mismatches(do, account.shown(), scenario.time_zone, step.place)
        return StepResult("accepted", None, None, None, ())
    given = step.given
    try:
        answer = account.give(
            _request(step, do),
            own_payment=None if given.payment is UNSET else given.payment,
            refund="refunded" if given.refund is UNSET else given.refund,
            new_method=Method(given.works is not False, given.final is True),
        )
    except InvalidCatalog as error:
        raise InvalidInput("invalid_scenario", error.under(step.place).place, error.message) from None
    if isinstance(do, c.ChangeCatalog):
        found += _outcome_mismatches(step.given, answer, step.place)
        return StepResult(answer.outcome, answer.code, None, None, answer.events)
    if isinstance(do, c.OverridePrice):
        if answer.code in ("unknown_product", "no_price", "invalid_amount"):
            from prorata.wording import (
                answer_said,
                wording,
            )  # here, since a scenario that plays needs no Babel

            raise InvalidInput("invalid_scenario", step.place, answer_said(answer, wording("en")))
        if answer.code == "product_changed" or step.given.rejected is not UNSET:
            found += _outcome_mismatches(step.given, answer, step.place)
        return StepResult(answer.outcome, answer.code, None, None, answer.events)
    found += _outcome_mismatches(step.given, answer, step.place)
    facts = None if answer.charged is None else {name: answer.facts[name] for name in FACTS_AFTER}
    if facts is not None:
        found += answer_mismatches(step.given.answer, facts, scenario.time_zone, f"{step.place}.answer")
    return StepResult(answer.outcome, answer.code, answer.charged, facts, answer.events)


def _request(step: Step, command: c.Command) -> c.Request:
    given = step.given
    total = given.expected_total
    return c.Request(
        command,
        step.at,
        "test",
        role_of(given.by, command),
        None if given.id is UNSET else given.id,
        given.confirm.cvv,
        given.confirm.billing,
        None if total is UNSET else Decimal(total),
    )


def role_of(by: str | UnsetType, command: c.Command) -> str:
    """Who gives it, where the story does not say: the owner; finance what only staff may (R60)."""
    if by is not UNSET:
        return by
    return "finance" if isinstance(command, STAFF_COMMANDS) else "owner"


def _outcome_mismatches(given: CommandStep, answer: Answer, place: str) -> list[Mismatch]:
    if given.rejected is not UNSET:
        came = answer.code or answer.outcome
        return [] if came == given.rejected else [Mismatch(f"{place}.rejected", given.rejected, came)]
    if answer.outcome == "rejected":
        return [Mismatch(place, "not rejected" if given.outcome is UNSET else given.outcome, answer.code)]
    found = []
    if given.outcome is not UNSET and given.outcome != answer.outcome:
        found.append(Mismatch(f"{place}.outcome", given.outcome, answer.outcome))
    if given.charged is not UNSET:
        charged = Decimal(given.charged)
        if charged != answer.charged:
            found.append(Mismatch(f"{place}.charged", given.charged, str(answer.charged)))
    return found
