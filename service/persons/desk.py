"""Billing details are given and shown (R92).

    given = await desk.give("main/a1", details, role="owner", command_id="k-7")
    shown = await desk.current("main/a1")

Details are kept before the event that names their version is recorded, so an event never names what is not
there; a version that no event names, as of a crash between the two, is erased with the others.
"""

from __future__ import annotations

from datetime import date
from functools import partial
from typing import Final, Literal, Protocol

import msgspec
from msgspec import UNSET

from domain import events as e
from domain.answers import Refusal, refused
from domain.calendar import Instant
from domain.commands import Request, SetTaxProfile
from domain.state import Account
from eventlog.codec import domain_codec
from service.account_log import AccountLog
from service.answering import GivenCommand
from service.clock import Clock, checked_now
from service.completing import OffLoop, blocking_call
from service.persons.details import BillingDetails
from service.persons.store import KeptDetails, NewDetails, PostgresDetails
from service.persons.vault import Sealed, Vault

VatIdStatus = Literal["none", "unconfirmed", "confirmed"]

READ_LOCKED: Final = ("finance",)
"""Who still reads what was erased and is kept for documents (R93)."""


class ShownDetails(msgspec.Struct, frozen=True, omit_defaults=True):
    """Details as they are shown. `vat_id_status`: whether the VAT id was checked (R70). `locked_until`: they
    were erased, and are kept until that day for the documents that name them."""

    version: int
    given_at: Instant
    details: BillingDetails
    vat_id_status: VatIdStatus = "none"
    locked_until: date | None = None


class Commands(Protocol):
    """What is needed of `service.service.BillingService`."""

    async def account(self, account_id: str) -> Account | None:
        """The account as it is in the log now."""
        ...

    async def handle(self, account_id: str, request: Request, *, actor: str | None = None) -> GivenCommand:
        """Do the command and say what came of it."""
        ...


class DetailsDesk:
    """Tasks and threads share it."""

    def __init__(
        self,
        commands: Commands,
        log: AccountLog,
        store: PostgresDetails,
        vault: Vault,
        clock: Clock,
        off_loop: OffLoop = blocking_call,
    ) -> None:
        self._commands = commands
        self._log = log
        self._store = store
        self._vault = vault
        self._clock = clock
        self._off_loop = off_loop
        self._codec = domain_codec()

    async def give(
        self,
        account_id: str,
        details: BillingDetails,
        *,
        role: str,
        command_id: str | None = None,
        actor: str | None = None,
        at: Instant | None = None,
    ) -> GivenCommand:
        """Replace the account's details by a new version, and its tax profile with it. A VAT id is to be
        checked anew where it or the country is another one. `at`: the instant on a test clock.

        The answer is that of `set_tax_profile`; a refused version is destroyed. Raises as `handle` does.
        """
        state = await self._commands.account(account_id)
        if state is None:
            return GivenCommand(refused(Refusal("unknown_account")), None)
        now = await checked_now(self._clock, self._off_loop)
        kept, new = await self._off_loop(
            partial(self._store.add, self._to_keep(account_id, details, command_id, now))
        )
        if not new and kept.sealed is not None and self._opened(kept) != details:
            return GivenCommand(refused(Refusal("command_id_reused")), state.version)
        recorded = None if new else await self._recorded(account_id, command_id)
        if recorded is not None:
            command = _as_recorded(recorded)
        else:
            command = await self._profile(account_id, state, details, kept.version)
        request = Request(command, now if at is None else at, state.clock, role, command_id)
        given = await self._commands.handle(account_id, request, actor=actor)
        if new and given.answer.outcome == "rejected":
            await self._off_loop(partial(self._store.destroy, account_id, [kept.version], now))
        return given

    async def current(self, account_id: str, *, role: str = "owner") -> ShownDetails | None:
        """The details that the account's next document names; None: none were given, or they were erased.
        What is locked is shown to those in `READ_LOCKED` alone."""
        state = await self._commands.account(account_id)
        profile = None if state is None else state.standing.tax_profile
        if profile is None or profile.details is None:
            return None
        kept = await self._off_loop(partial(self._store.version, account_id, profile.details))
        return self._shown(kept, role, profile.vat_id)

    async def version(self, account_id: str, version: int, *, role: str) -> ShownDetails | None:
        """That version, for a document that names it; None: as of `current`."""
        kept = await self._off_loop(partial(self._store.version, account_id, version))
        return self._shown(kept, role, "none")

    async def accounts_with_email(self, email: str) -> list[str]:
        """The accounts of which any version that is not erased has this address."""
        digests = self._vault.email_digests(email)
        return await self._off_loop(partial(self._store.accounts_with_email, digests))

    def _to_keep(
        self, account_id: str, details: BillingDetails, command_id: str | None, now: Instant
    ) -> NewDetails:
        return NewDetails(
            account_id,
            details.person,
            command_id,
            now,
            self._digest(details),
            lambda version: self._vault.seal(account_id, version, details),
        )

    def _digest(self, details: BillingDetails) -> bytes | None:
        return None if details.email is None else self._vault.email_digest(details.email)

    def _opened(self, kept: KeptDetails) -> BillingDetails:
        return self._vault.opened(kept.account_id, kept.version, _there(kept))

    def _shown(self, kept: KeptDetails | None, role: str, status: VatIdStatus) -> ShownDetails | None:
        if kept is None or kept.sealed is None:
            return None
        if kept.locked_until is not None and role not in READ_LOCKED:
            return None
        return ShownDetails(kept.version, kept.given_at, self._opened(kept), status, kept.locked_until)

    async def _profile(
        self, account_id: str, state: Account, details: BillingDetails, version: int
    ) -> SetTaxProfile:
        """The tax profile that follows from the details, and from what was checked of those before."""
        profile = SetTaxProfile(
            details.country,
            details.kind,
            details.region,
            "none" if details.vat_id is None else "unconfirmed",
            details=version,
        )
        held = state.standing.tax_profile
        if held is None or held.country != details.country:
            return profile
        if held.vat_id == "confirmed" and await self._same_vat_id(account_id, held, details):
            profile = msgspec.structs.replace(profile, vat_id="confirmed")
        return msgspec.structs.replace(profile, exempt_until=held.exempt_until)

    async def _same_vat_id(self, account_id: str, held: e.TaxProfileSet, details: BillingDetails) -> bool:
        """Whether the id is that of the version which the profile names, so that its check still counts."""
        if held.details is None:
            return False
        kept = await self._off_loop(partial(self._store.version, account_id, held.details))
        if kept is None or kept.sealed is None or details.vat_id is None:
            return False
        return self._opened(kept).vat_id == details.vat_id

    async def _recorded(self, account_id: str, command_id: str | None) -> e.TaxProfileSet | None:
        """What a command that is given again has recorded."""
        rows = [] if command_id is None else await self._log.find_command(account_id, command_id)
        events = [self._codec.read(row) for row in rows]
        return next((event for event in events if isinstance(event, e.TaxProfileSet)), None)


def _as_recorded(event: e.TaxProfileSet) -> SetTaxProfile:
    """The command that recorded it."""
    details = UNSET if event.details is None else event.details
    return SetTaxProfile(event.country, event.kind, event.region, event.vat_id, event.exempt_until, details)


def rewrap(store: PostgresDetails, vault: Vault) -> int:
    """Wrap every version's key by the first of the system's keys; return how many there are."""

    def wrapped(kept: KeptDetails) -> tuple[Sealed, bytes | None]:
        sealed = _there(kept)
        email = vault.opened(kept.account_id, kept.version, sealed).email
        return vault.rewrapped(sealed), None if email is None else vault.email_digest(email)

    return store.rewrap(wrapped)


def _there(kept: KeptDetails) -> Sealed:
    assert kept.sealed is not None
    return kept.sealed
