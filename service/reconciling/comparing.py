"""The provider's own list of a day against ours, both ways.

    report = await Reconciliation(service, log, gateway).of_day(date(2026, 4, 5))
    report.findings, report.totals

Money is matched by our keys. What the provider made near midnight is looked for in its days before and after.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, timedelta
from decimal import Decimal
from typing import Final, Literal, TypeAlias
from uuid import UUID

import msgspec

from domain import events as e
from domain.calendar import CivilDate
from eventlog.port import EventLog
from service.errors import PaymentUnanswered
from service.gateways.port import DisputeMessage, Movement, PaymentGateway
from service.messages import take
from service.reconciling.finishing import Finished, finish_all
from service.reconciling.ours import Entry, OurDay, entries_of_account
from service.service import BillingService

Difference: TypeAlias = Literal[
    "missing_here", "missing_there", "doubled", "other_amount", "other_account", "other_status",
]  # fmt: skip
"""`missing_here`: the provider moved money and no intent of ours says so; `missing_there`: we took it as paid
or given back, and the provider's lists have nothing of it."""

_DAY: Final = timedelta(days=1)
_STANDS: Final[dict[str, Literal["opened", "won", "lost"]]] = {
    "dispute_opened": "opened",
    "dispute_won": "won",
    "dispute_lost": "lost",
}


class Finding(msgspec.Struct, frozen=True):
    """Where the books differ; what one side does not have is None. `key`: what both know it by."""

    difference: Difference
    kind: Literal["charge", "refund", "dispute"]
    key: UUID | None
    account_id: str | None
    invoices: tuple[int, ...] = ()
    our_amount: Decimal | None = None
    our_currency: str | None = None
    our_status: str | None = None
    their_amount: Decimal | None = None
    their_currency: str | None = None
    their_status: str | None = None
    reference: str | None = None


class Total(msgspec.Struct, frozen=True):
    """What moved that day in one currency, by our books and by the provider's."""

    kind: Literal["charge", "refund"]
    currency: str
    our_count: int
    our_amount: Decimal
    their_count: int
    their_amount: Decimal


class Report(msgspec.Struct, frozen=True):
    """A day's reconciliation. `finished`: what had no end before it; `disputes`: those that we had not heard
    of and that were recorded now."""

    day: CivilDate
    finished: tuple[Finished, ...]
    disputes: int
    findings: tuple[Finding, ...]
    totals: tuple[Total, ...]

    @property
    def agrees(self) -> bool:
        """Whether the books are the same."""
        return not self.findings

    @property
    def unanswered(self) -> bool:
        """Whether the provider could not be asked for some end."""
        return any(one.outcome == "no_answer" for one in self.finished)


class Reconciliation:
    """Compares the books of the accounts that pay at the gateway: those on the `clocks`."""

    def __init__(
        self,
        service: BillingService,
        log: EventLog,
        gateway: PaymentGateway,
        clocks: tuple[e.Clock, ...] = ("wall",),
    ) -> None:
        self._service = service
        self._log = log
        self._gateway = gateway
        self._clocks = clocks
        self._theirs: dict[CivilDate, list[Movement]] = {}

    async def of_day(self, day: CivilDate, pending: Iterable[str] = ()) -> Report:
        """The day (UTC) at the provider, and every intent without an end: of these accounts, and of that day.

        Raises GatewayUnavailable where the provider gives no list.
        """
        finished = await finish_all(self._service, pending, self._clocks)
        ours = OurDay.read(self._log, day)
        asked = {one.account_id for one in finished}
        left = {entry.account_id for entry in ours.entries.values() if not entry.ended}
        finished += await finish_all(self._service, sorted(left - asked), self._clocks)
        theirs = await self._list(day)
        disputes = [await self._heard(movement) for movement in theirs if movement.kind == "dispute"]
        ours = OurDay.read(self._log, day) if left - asked or any(disputes) else ours
        near = [m for nth in (-1, 0, 1) for m in await self._list(day + nth * _DAY)]
        comparison = _Comparison(self._log, ours, theirs, near, self._clocks)
        lacking = [entry for entry in comparison.only_ours() if not await self._was_made_later(entry)]
        findings = [*comparison.of_theirs(), *map(_missing_there, lacking)]
        totals = comparison.totals(findings)
        return Report(day, tuple(finished), sum(disputes), tuple(findings), totals)

    async def _list(self, day: CivilDate) -> list[Movement]:
        if day not in self._theirs:
            self._theirs[day] = [movement async for movement in self._gateway.movements(day)]
        return self._theirs[day]

    async def _heard(self, movement: Movement) -> bool:
        """Whether the dispute as it stands now was not recorded here before."""
        if movement.key is None or movement.account_id is None:
            return False
        message = DisputeMessage(movement.account_id, movement.key, _STANDS[movement.status], movement.at)
        try:
            return await take(self._service, message) == "recorded"
        except PaymentUnanswered:
            return False

    async def _was_made_later(self, entry: Entry) -> bool:
        """Whether the provider has it on the day on which its end was recorded here: a refund that was asked
        for again."""
        if entry.ended_at is None:
            return False
        ended = entry.ended_at.astimezone(UTC).date()
        listed = [*await self._list(ended - _DAY), *await self._list(ended), *await self._list(ended + _DAY)]
        return any(m.key == entry.key and m.kind == entry.kind and _moved(m) for m in listed)


class _Comparison:
    def __init__(
        self,
        log: EventLog,
        ours: OurDay,
        theirs: list[Movement],
        near: list[Movement],
        clocks: tuple[e.Clock, ...],
    ) -> None:
        self._log = log
        self._clocks = clocks
        self._theirs = theirs
        self._ours = {key: entry for key, entry in ours.entries.items() if entry.clock in clocks}
        self._near = {(m.kind, m.key) for m in near if m.key is not None and _moved(m)}
        self._accounts: dict[str, dict[UUID, Entry]] = {}
        self._matched: list[tuple[Entry | None, Movement]] = []

    def of_theirs(self) -> Iterator[Finding]:
        """Each movement of theirs against what we have under its key."""
        seen: set[tuple[str, UUID]] = set()
        lost = {m.key for m in self._theirs if m.status == "dispute_lost"}
        for movement in self._theirs:
            if movement.kind == "dispute":
                continue
            entry = self._entry(movement)
            if entry is not None and entry.clock not in self._clocks:
                continue
            self._matched.append((entry, movement))
            if entry is None:
                if _moved(movement):
                    yield _finding("missing_here", None, movement)
                continue
            place = (movement.kind, entry.key)
            if _moved(movement) and place in seen:
                yield _finding("doubled", entry, movement)
            elif _moved(movement):
                seen.add(place)
            if movement.account_id not in (None, entry.account_id):
                yield _finding("other_account", entry, movement)
            if (movement.amount, movement.currency) != (entry.amount, entry.currency):
                yield _finding("other_amount", entry, movement)
            charged_back = entry.status == "failed" and entry.key in lost
            if _moved(movement) != entry.moved and entry.ended and not charged_back:
                yield _finding("other_status", entry, movement)

    def only_ours(self) -> Iterator[Entry]:
        """What moved by our books and is not in the provider's lists of that day and the days beside it."""
        for entry in self._ours.values():
            if entry.moved and (entry.kind, entry.key) not in self._near:
                yield entry

    def totals(self, findings: list[Finding]) -> tuple[Total, ...]:
        """What moved on the day, by the provider's date; of ours too what it does not have."""
        sums: dict[tuple[Literal["charge", "refund"], str], list[Decimal]] = {}

        def add(kind: Literal["charge", "refund"], currency: str, amount: Decimal, place: int) -> None:
            row = sums.setdefault((kind, currency), [Decimal(0)] * 4)
            row[place] += 1
            row[place + 1] += amount

        counted: set[UUID] = set()
        for entry, movement in self._matched:
            if movement.kind != "dispute" and _moved(movement):
                add(movement.kind, movement.currency, movement.amount, 2)
            if entry is not None and entry.moved and entry.key not in counted:
                counted.add(entry.key)
                add(entry.kind, entry.currency, entry.amount, 0)
        for finding in findings:
            if finding.difference == "missing_there" and finding.kind != "dispute":
                assert finding.our_currency is not None
                assert finding.our_amount is not None
                add(finding.kind, finding.our_currency, finding.our_amount, 0)
        return tuple(
            [
                Total(kind, currency, int(row[0]), row[1], int(row[2]), row[3])
                for (kind, currency), row in sorted(sums.items())
            ]
        )

    def _entry(self, movement: Movement) -> Entry | None:
        """Ours under its key: of that day, or from the history of the account that it names."""
        key = movement.key
        if key is None:
            return None
        entry = self._ours.get(key)
        if entry is None and movement.account_id is not None:
            account_id = movement.account_id
            if account_id not in self._accounts:
                self._accounts[account_id] = entries_of_account(self._log, account_id)
            entry = self._accounts[account_id].get(key)
        return entry if entry is not None and entry.kind == movement.kind else None


def _moved(movement: Movement) -> bool:
    return movement.status in ("paid", "refunded")


def _missing_there(entry: Entry) -> Finding:
    return Finding(
        "missing_there",
        entry.kind,
        entry.key,
        entry.account_id,
        entry.invoices,
        entry.amount,
        entry.currency,
        entry.status,
    )


def _finding(difference: Difference, entry: Entry | None, movement: Movement) -> Finding:
    return Finding(
        difference,
        movement.kind,
        movement.key,
        movement.account_id if entry is None else entry.account_id,
        () if entry is None else entry.invoices,
        None if entry is None else entry.amount,
        None if entry is None else entry.currency,
        None if entry is None else entry.status,
        movement.amount,
        movement.currency,
        movement.status,
        movement.reference,
    )
