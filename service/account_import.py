"""Taking over accounts from another system: every row is checked before any is taken, and a run that was
killed is given again: each account is taken over once.

    importing = AccountImport(log, series, gateway, tenant="main", clock="wall", at=now)
    checks = list(importing.checked(account_rows(file, "csv")))
    if not any(check.faults for check in checks):
        for taken in importing.taken(account_rows(file, "csv")): ...

An account's event has an id that follows from its row, and names the row by its digest: what is in the log
already is not appended again, whoever did it and whenever.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import sha256
from itertools import islice
from typing import Final, Literal, TypeAlias, TypeVar
from uuid import uuid5

import msgspec

from domain.calendar import CivilDate, Instant
from domain.catalog import Catalogues
from domain.errors import InvalidInput
from domain.events import AccountImported, Clock, CommandRef
from domain.evolve import evolve
from domain.forecast import next_invoice
from domain.import_rows import AccountRow, Fault, fault
from domain.importing import account_imported
from eventlog.codec import domain_codec
from eventlog.errors import LogError
from eventlog.port import EventLog
from eventlog.records import Append, Head, NewEvent
from service.account_files import ReadRow
from service.commands import account_id_of
from service.completing import complete
from service.errors import ImportStopped
from service.gateways.port import Confirmation, MethodTakeOver, PaymentGateway

TOGETHER: Final = 500
"""Accounts that are looked up, or appended, in one statement."""

ROLE: Final = "import"
"""What an account's first event names as the role that gave it."""

Outcome: TypeAlias = Literal["ready", "taken", "taken_before", "refused"]
T = TypeVar("T")


class NextInvoice(msgspec.Struct, frozen=True):
    """The first invoice that will be issued here, as things stand: to be held against the other system's."""

    date: CivilDate
    amount: str
    products: tuple[str, ...]


class Checked(msgspec.Struct, frozen=True):
    """What became, or would become, of a row. `line`: where it begins in the file."""

    line: int
    account: str | None
    outcome: Outcome
    faults: tuple[Fault, ...] = ()
    next_invoice: NextInvoice | None = None


class _Ready(msgspec.Struct, frozen=True):
    read: ReadRow
    account_id: str
    digest: str
    event: AccountImported


class AccountImport:
    """Checks rows, and takes them over into the log. `catalogues`: the series of accounts on that clock;
    `catalog`: on a test clock, the digest of the accounts' own. `at`: the moment that the rows describe."""

    def __init__(
        self,
        log: EventLog,
        catalogues: Catalogues,
        gateway: PaymentGateway,
        *,
        tenant: str,
        clock: Clock,
        at: Instant,
        catalog: str | None = None,
        actor: str | None = None,
        foretells: bool = True,
    ) -> None:
        """`foretells`: say of each account what is billed first."""
        self._log = log
        self._catalogues = catalogues
        self._gateway = gateway
        self._tenant = tenant
        self._clock = clock
        self._at = at
        self._catalog = catalog
        self._actor = actor
        self._foretells = foretells
        self._codec = domain_codec()

    def checked(self, rows: Iterable[ReadRow]) -> Iterator[Checked]:
        """Check every row, in order; nothing is changed."""
        seen: set[str] = set()
        for batch in _batches(rows):
            found = [self._check(read, seen) for read in batch]
            there = self._there([one.account_id for one in found if isinstance(one, _Ready)])
            for one in found:
                yield one if isinstance(one, Checked) else self._held_against(one, there)

    def taken(self, rows: Iterable[ReadRow]) -> Iterator[Checked]:
        """Take over every row, in order. They were checked before.

        Raises ImportStopped at a row that is not as it was checked; LogUnavailable.
        """
        seen: set[str] = set()
        for batch in _batches(rows):
            ready = [one for one in (self._check(read, seen) for read in batch) if isinstance(one, _Ready)]
            if len(ready) < len(batch):
                raise ImportStopped("the file is no longer what was checked", batch[0].line)
            there = self._there([one.account_id for one in ready])
            yield from self._take(ready, there)

    # ---- one batch

    def _check(self, read: ReadRow, seen: set[str]) -> Checked | _Ready:
        row = read.row
        if row is None:
            return Checked(read.line, read.account, "refused", read.faults)
        try:
            account_id = account_id_of(self._tenant, row.account)
        except InvalidInput as error:
            code = "invalid_text" if error.code == "invalid_text" else "invalid_row"
            return _refused(read, fault(code, error.place, error.message))
        if account_id in seen:
            return _refused(read, fault("account_twice", "$.account", "it stands on an earlier line"))
        seen.add(account_id)
        digest = _digest(row)
        command = CommandRef(ROLE, f"import-{digest[:32]}", digest)
        event = account_imported(
            row, self._at, self._clock, self._catalogues, catalog=self._catalog, command=command
        )
        if isinstance(event, tuple):
            return _refused(read, *event)
        return _Ready(read, account_id, digest, event)

    def _there(self, account_ids: list[str]) -> dict[str, str | None]:
        """Of these accounts those that have a history, and the command that began it."""
        return {row.account_id: row.command_id for row in self._log.first_events(account_ids)}

    def _held_against(self, ready: _Ready, there: dict[str, str | None]) -> Checked:
        if ready.account_id not in there:
            return self._as_it_is(ready, "ready")
        if there[ready.account_id] == _command_id(ready):
            return self._as_it_is(ready, "taken_before")
        return _refused(ready.read, fault("account_exists", "$.account", "it has a history here already"))

    def _as_it_is(self, ready: _Ready, outcome: Outcome) -> Checked:
        first = _next_invoice(ready.event, self._catalogues) if self._foretells else None
        return Checked(ready.read.line, ready.read.account, outcome, (), first)

    def _take(self, ready: list[_Ready], there: dict[str, str | None]) -> Iterator[Checked]:
        for one in ready:
            if there.get(one.account_id, _command_id(one)) != _command_id(one):
                raise ImportStopped(f"{one.account_id!r} has a history meanwhile", one.read.line)
        new = [one for one in ready if one.account_id not in there]
        for one in new:
            assert one.read.row is not None
            if one.read.row.method is not None:
                complete(self._saved(one.account_id, Confirmation(one.read.row.method)))
        outcomes = self._log.append_many(
            [Append(one.account_id, Head.NONE, (self._row(one),)) for one in new]
        )
        for one, outcome in zip(new, outcomes, strict=True):
            if isinstance(outcome, LogError):
                raise outcome
            there[one.account_id] = None
        for one in ready:
            yield self._as_it_is(one, "taken" if there[one.account_id] is None else "taken_before")

    async def _saved(self, account_id: str, reference: Confirmation) -> None:
        if isinstance(self._gateway, MethodTakeOver):
            await self._gateway.take_over_method(account_id, reference)
        else:
            await self._gateway.save_method(account_id, reference)

    def _row(self, ready: _Ready) -> NewEvent:
        event_type, schema_version, state = self._codec.encode(ready.event)
        return NewEvent(
            uuid5(self._log.log_id, f"{ready.account_id}\n{ready.digest}"),
            _command_id(ready),
            event_type,
            schema_version,
            ready.event.at,
            self._actor,
            state,
        )


def _command_id(ready: _Ready) -> str | None:
    return None if ready.event.command is None else ready.event.command.id


def _digest(row: AccountRow) -> str:
    """Of all that the row says but the payment method, of which nothing goes into an event."""
    said = msgspec.structs.replace(row, method=None)
    return sha256(msgspec.json.encode(said, order="deterministic")).hexdigest()


def _next_invoice(event: AccountImported, catalogues: Catalogues) -> NextInvoice | None:
    """The first invoice as things stand; without taxes, which the account's details decide later."""
    known = msgspec.structs.replace(catalogues, taxes=None)
    invoice = next_invoice(evolve(None, event), event.at, known)
    if invoice is None:
        return None
    return NextInvoice(invoice.date, f"{invoice.total:f}", tuple([line.product for line in invoice.lines]))


def _refused(read: ReadRow, *faults: Fault) -> Checked:
    return Checked(read.line, read.account, "refused", faults)


def _batches(items: Iterable[T]) -> Iterator[list[T]]:
    iterator = iter(items)
    while batch := list(islice(iterator, TOGETHER)):
        yield batch
