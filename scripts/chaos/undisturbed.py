"""What would have happened without a fault: the commands that took effect are given again, in the order in
which they did, to a service in memory, whose gateway answers as the real one did. Each account's history must
come out alike.

What a fault may leave behind, and nothing else, is set aside first: an intent that was given up and its
cancellation, after which the command or the renewal was tried again. When the provider answers a refund is up
to it: it does so where it did in the real run.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias
from uuid import UUID

import msgspec

from domain import events as e
from domain.conclude import PaymentAnswer
from eventlog import StoredEvent
from eventlog.codec import domain_codec
from eventlog.memory import MemoryEventLog
from scripts.chaos.journal import Entry, Given
from scripts.chaos.money_checks import BETWEEN, Charge, charged_by
from service.account_log import BlockingLog
from service.accounts import Accounts
from service.blocking import BlockingService
from service.catalogue_store import MemoryCatalogues
from service.catalogues import CatalogueLibrary
from service.clock import FixedClock
from service.conversing import Ports
from service.errors import GatewayUnavailable, PaymentUnanswered
from service.gateways.memory import MemoryTestGateway
from service.gateways.port import Charged, RefundMade
from service.service import BillingService
from service.session import CommandSession

_INTENTS: Final = ("payment_started", "cycles_renewed")
_CODEC: Final = domain_codec()


class RecordedGateway(MemoryTestGateway):
    """Answers each account's charges and refunds, in their order, as they were answered before; a refund only
    where it `may` be."""

    may_refund = False

    def __init__(self, charges: Mapping[str, Sequence[str]], refunds: Mapping[str, Sequence[str]]) -> None:
        super().__init__()
        self._answers = {account: deque(answers) for account, answers in charges.items()}
        self._refunds = {account: deque(answers) for account, answers in refunds.items()}

    async def charge(self, key: UUID, account_id: str, *_: object) -> Charged:
        answer: PaymentAnswer = msgspec.convert(self._answers[account_id].popleft(), PaymentAnswer)
        charged = self._charged[key] = Charged(answer)
        return charged

    async def refund(self, key: UUID, _charge: UUID, account_id: str, *_: object) -> RefundMade:
        if not self.may_refund:
            raise GatewayUnavailable("it answers later")
        self.may_refund = False
        made: RefundMade = msgspec.convert(self._refunds[account_id].popleft(), RefundMade)
        self.refunds[key] = made
        return made


def undisturbed_problems(
    rows: Sequence[StoredEvent],
    entries: Sequence[Entry],
    charges: Mapping[UUID, Charge],
    refunds: Mapping[UUID, Charge],
    tenant: str,
    until: datetime,
) -> Iterator[str]:
    """Yield each account of the tenant whose history is not that of an undisturbed run up to the instant."""
    lines = {entry.id: entry.line for entry in entries if isinstance(entry, Given)}
    histories: dict[str, list[StoredEvent]] = defaultdict(list)
    for row in rows:
        if row.account_id.startswith(f"{tenant}/"):
            histories[row.account_id].append(row)
    for account_id, history in histories.items():
        kept = without_given_up(history)
        answers = [
            charges[row.event_id].answer
            for row in kept
            if row.type in _INTENTS and charged_by(_CODEC.read(row)) is not None and row.event_id in charges
        ]
        notes = {row.event_id: _CODEC.read(row) for row in kept if row.type == "credit_note_issued"}
        answered = {
            note.number: refunds[key].answer
            for key, note in notes.items()
            if isinstance(note, e.CreditNoteIssued) and key in refunds
        }
        made = [answered[row.note] for row in map(_CODEC.read, kept) if isinstance(row, e.RefundConcluded)]
        gateway = RecordedGateway({account_id: answers}, {account_id: made})
        steps = list(_steps(kept, lines))
        try:
            again = play(tenant, account_id, steps, gateway, until)
        except Exception as error:  # noqa: BLE001 - whatever it is, it did not happen in the real run
            yield f"{account_id}: without faults it ends with {type(error).__name__}: {error}"
            continue
        yield from _differences(account_id, kept, again)


def without_given_up(history: Sequence[StoredEvent]) -> list[StoredEvent]:
    """The history without the intents that were cancelled, and their cancellations. A renewal whose charge
    was given up stays, as its invoice is issued; the intent that charged it anew goes, and its key is the
    renewal's."""
    kept: list[StoredEvent] = []
    renewal: int | None = None
    for row in history:
        if row.type == "payment_cancelled":
            place = max(nth for nth, before in enumerate(kept) if before.type in _INTENTS)
            if kept[place].type == "cycles_renewed":
                renewal = place
            else:
                del kept[place]
        elif renewal is not None and _is_renewal_again(row):
            kept[renewal] = msgspec.structs.replace(kept[renewal], event_id=row.event_id)
            renewal = None
        else:
            kept.append(row)
    return kept


def _is_renewal_again(row: StoredEvent) -> bool:
    intent = _CODEC.read(row) if row.type == "payment_started" else None
    return isinstance(intent, e.PaymentStarted) and intent.purpose == "renewal"


Step: TypeAlias = Mapping[str, Any] | None
"""A line; None: the provider answers a refund."""


def _steps(kept: Sequence[StoredEvent], lines: Mapping[str, Mapping[str, Any]]) -> Iterator[Step]:
    """What to play, in the order in which it took effect."""
    given: set[str] = set()
    for row in kept:
        if row.type == "refund_concluded":
            yield None
        elif (id_ := row.command_id) is not None and id_ in lines and id_ not in given:
            given.add(id_)
            yield lines[id_]


def play(
    tenant: str,
    account_id: str,
    steps: Sequence[Step],
    gateway: RecordedGateway,
    until: datetime,
) -> list[StoredEvent]:
    """The account's history after these steps in memory, settled up to the instant."""
    clock = FixedClock(datetime.now(UTC))
    memory = MemoryEventLog(clock=clock.now)
    log, library = BlockingLog(memory), CatalogueLibrary(MemoryCatalogues())
    core = BillingService(Ports(log, Accounts(log), gateway), library, clock)
    session = CommandSession(core, library, clock, tenant=tenant, lives_on="test")
    service = BlockingService(core)
    for step in steps:
        if step is not None:
            session.answer_line(msgspec.json.encode(step))
            continue
        gateway.may_refund = True
        state = service.account(account_id)
        assert state is not None
        with suppress(PaymentUnanswered):  # another refund is answered later
            service.settle(account_id, state.last_at)
    service.settle(account_id, until)
    return memory.read_account(account_id)


def _differences(account_id: str, kept: Sequence[StoredEvent], again: Sequence[StoredEvent]) -> Iterator[str]:
    ordered = in_order(kept)
    for place, (row, other) in enumerate(zip(ordered, in_order(again), strict=False)):
        told, otherwise = _told(row), _told(other)
        if row.type == "payment_reminder" and any(later.version < row.version for later in ordered[place:]):
            told["due"] = otherwise.get("due")  # it was told after a correction, which may have lowered it
        if told != otherwise:
            mine = {name: value for name, value in told.items() if otherwise.get(name) != value}
            theirs = {name: otherwise.get(name) for name in mine}
            yield (
                f"{account_id}, version {row.version}: {row.type} {mine};"
                f" without faults {other.type} {theirs}"
            )
            return
    if len(kept) != len(again):
        longer = kept if len(kept) > len(again) else again
        extra = in_order(longer)[min(len(kept), len(again))].type
        where = "with" if longer is kept else "without"
        yield f"{account_id}: {len(kept)} events, without faults {len(again)}; {where} them {extra} follows"


def in_order(history: Sequence[StoredEvent]) -> list[StoredEvent]:
    """The history with what concludes a payment or a refund right after its intent, and behind it what
    follows from a decline by itself: corrections do not wait for a payment, and nothing waits for a refund
    (section 19, R62)."""
    ordered: list[StoredEvent] = []
    for row in history:
        place = len(ordered)
        if row.type == "refund_concluded":
            note = _CODEC.read(row)
            assert isinstance(note, e.RefundConcluded)
            place = 1 + max(nth for nth, before in enumerate(ordered) if _is_note(before, note.note))
        elif place and row.type not in BETWEEN and ordered[-1].type in BETWEEN:
            intent = next((n for n in range(place - 1, -1, -1) if ordered[n].type not in BETWEEN), None)
            if intent is not None and charged_by(_CODEC.read(ordered[intent])) is not None:
                place = intent + 1
            elif row.command_id is None:  # at the conclusion's instant, as a decline's reminder is (R55)
                place = 1 + max(n for n in range(place) if ordered[n].effective_at <= row.effective_at)
        ordered.insert(place, row)
    return ordered


def _is_note(row: StoredEvent, number: int) -> bool:
    note = _CODEC.read(row)
    return isinstance(note, e.CreditNoteIssued) and note.number == number


def _told(row: StoredEvent) -> dict[str, Any]:
    """What the event says, but for when an invoice was issued and a refund answered: that is when somebody
    came to it."""
    told = msgspec.to_builtins(_CODEC.read(row))
    told["type"], told["at"] = row.type, row.effective_at
    if row.type == "refund_concluded":
        del told["at"]
    if isinstance(told.get("invoice"), dict):
        told["invoice"].pop("issued_at", None)
    return dict(told)
