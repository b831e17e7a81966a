"""A customer's account as a page of theirs opens it: looked at as the API looks, with the head of the
page."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from prorata.cli.account.present import Looked
from prorata.http.desk import Desk
from prorata.http.looking import looked_at
from prorata.pages.marks import opened as unsealed
from prorata.pages.page import Shown, Visit
from prorata.wording import Wording
from prorata.wording.labels import INVOICES, STATUSES
from prorata.wording.language import message

DONE: Final = "done"
"""The parameter, and the purpose of the seal, of what came of what was sent."""

TABS: Final = (
    ("/account/shop", message("Shop New Plans")),
    ("/account/billing", message("Billing")),
    ("/account/invoices", message("Invoices")),
    ("/account/estimate", message("Estimate")),
    ("/account/details", message("Billing details")),
)


class Done(msgspec.Struct, frozen=True):
    """What came of what was sent, to be told once the browser has asked for the page behind it."""

    message: str
    bad: bool = False
    waits: bool = False


class Head(msgspec.Struct, frozen=True):
    """The head of a page: the account, its tabs, and what came of what was sent."""

    name: str
    zone: str
    when: str
    test_clock: bool
    tab: str
    tabs: list[tuple[str, str]]
    done: Done | None


class Opened(msgspec.Struct, frozen=True):
    """The account at the instant of the visit, in the session's language."""

    visit: Visit
    looked: Looked
    say: Wording

    @property
    def currency(self) -> str:
        """The account's."""
        return self.looked.state.currency

    @property
    def zone(self) -> str:
        """The account's time zone, in which all times are said."""
        return self.looked.state.time_zone

    def shown(
        self,
        template: str,
        tab: str,
        values: dict[str, Any],
        *,
        frames: str | None = None,
        status: int = 200,
        done: Done | None = None,
    ) -> Shown:
        """The page."""
        say, state = self.say, self.looked.state
        head = Head(
            self.looked.account,
            self.zone,
            say.moment(self.looked.at, self.zone),
            state.clock == "test",
            tab,
            [(path, say.say(title)) for path, title in TABS],
            done or _done(self.visit),
        )
        common = {"account": head, "currency": self.currency, "zone": self.zone, "wording": say}
        common |= {"statuses": STATUSES, "invoice_statuses": INVOICES}
        return Shown(f"account/{template}", common | values, status, frames=frames)


async def opened(desk: Desk, visit: Visit) -> Opened:
    """The account of the session."""
    looked = await looked_at(desk, visit.call)
    return Opened(visit, looked, looked.wording(visit.language))


def _done(visit: Visit) -> Done | None:
    given = visit.call.query.get(DONE)
    if given is None:
        return None
    contents = unsealed(visit.customer.secret, DONE, given)
    return None if contents is None else msgspec.json.decode(contents, type=Done)
