"""What the commands that only look have in common: an account as it is now, the instant at which it is
looked at, and the catalogues that its prices are read from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
from cyclopts import Parameter

from domain.calendar import Instant, local_text, parse_moment
from domain.catalog import Catalog, Catalogues
from domain.errors import InvalidInput
from domain.happened import Chronicle, CreditNoteEntry
from domain.state import Account
from eventlog.codec import domain_codec
from prorata.cli.catalog.nothing_sold import note_nothing_sold, nothing_sold
from prorata.settings import Settings
from prorata.wording import Language, Wording

if TYPE_CHECKING:
    from eventlog.postgres.log import PostgresEventLog

AccountName = Annotated[str, Parameter(help="The account's id within the tenant.")]
Tenant = Annotated[str, Parameter(help="The tenant whose account is meant.")]
Json = Annotated[bool, Parameter(negative="", help="One JSON object, for programs.")]
LanguageChoice = Annotated[Literal["en", "fr"], Parameter(help="Of the sentences, amounts and dates.")]
At = Annotated[
    str | None,
    Parameter(
        help="On a test clock: this moment, not before the account's last one; default: that. "
        "On the wall clock it is always now."
    ),
]


class Looked(msgspec.Struct, frozen=True):
    """An account with its credit notes, and the instant at which it is looked at."""

    account: str
    state: Account
    at: Instant
    catalogues: Catalogues
    credit_notes: tuple[CreditNoteEntry, ...] = ()

    @property
    def catalog(self) -> Catalog:
        """In force at the instant."""
        return self.catalogues.at(self.at)

    def wording(self, language: Language) -> Wording:
        """The language, with products called as the catalogue calls them; those no longer sold as it last
        did."""
        return Wording(language, names_of(self.catalogues.ever_sold(self.at)))

    @property
    def heading(self) -> dict[str, str]:
        """What every JSON answer begins with; where nothing is sold, with the code of that too."""
        state = self.state
        at = local_text(self.at, state.time_zone)
        found = {"account": self.account, "at": at, "currency": state.currency, "time_zone": state.time_zone}
        nothing = nothing_sold(self.catalogues, self.at)
        return found if nothing is None else {**found, "code": nothing.code}


def look(account: str, tenant: str, at: str | None) -> Looked:
    """The account in the log. Nothing is settled, recorded or charged. Stderr says why where nothing is
    sold.

    Raises InvalidInput `unknown_account`, `test_clock_only`, `at_too_early`.
    """
    from prorata.wiring import running
    from service.commands import account_id_of

    with running(Settings.of()) as system:
        state = system.service.account(account_id_of(tenant, account))
        if state is None:
            raise unknown(account, tenant)
        found = Looked(
            account,
            state,
            instant_of(state, at, system.clock.now()),
            system.catalogues.series_for(state),
            credit_notes_of(system.log, account_id_of(tenant, account), state),
        )
    note_nothing_sold(found.catalogues, found.at)
    return found


def credit_notes_of(log: PostgresEventLog, account: str, state: Account) -> tuple[CreditNoteEntry, ...]:
    """The account's credit notes, from its events; they are read only where it has some."""
    if state.standing.next_credit_note == 1:
        return ()
    codec = domain_codec()
    events = [codec.read(row) for row in log.read_account(account)][: state.version]
    return tuple(Chronicle(state.time_zone).take_all(events).credit_notes.values())


def instant_of(state: Account, given: str | None, now: Instant, place: str = "--at") -> Instant:
    """When the account is looked at: on the wall clock now, on a test clock as given (at that `place`)."""
    if state.clock == "wall":
        if given is not None:
            raise InvalidInput("test_clock_only", place, "this account lives on the wall clock: it is now")
        return max(now, state.last_at)
    at = state.last_at if given is None else parse_moment(given, state.time_zone, place)
    if at < state.last_at:
        last = local_text(state.last_at, state.time_zone)
        message = f"the account's last instant is {last}: it can be looked at then or later"
        raise InvalidInput("at_too_early", place, message)
    return at


def unknown(account: str, tenant: str) -> InvalidInput:
    """There is no such account."""
    return InvalidInput("unknown_account", "", f"there is no account {account!r} of the tenant {tenant!r}")


def names_of(catalog: Catalog) -> dict[str, str]:
    """Products by id."""
    return (
        {plan.id: plan.name for plan in catalog.plans.values()}
        | {add_on.id: add_on.name for add_on in catalog.add_ons.values()}
        | {pack.id: pack.name for pack in catalog.credits.values()}
    )
