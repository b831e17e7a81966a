"""Who pays: the billing details as the next document names them (R92)."""

from __future__ import annotations

from domain.errors import InvalidInput
from prorata.http.desk import Desk
from prorata.pages.account.opened import Opened
from service.persons.desk import ShownDetails


async def current(desk: Desk, account: Opened) -> ShownDetails | None:
    """The details of the account; None: none were given, or none are kept here."""
    if desk.settings.persons_key is None:
        return None
    try:
        return await desk.details.current(account.visit.customer.account_id, role="owner")
    except InvalidInput:
        return None


async def payer_lines(desk: Desk, account: Opened) -> list[str]:
    """Name and address, as they stand on documents; nothing where none were given."""
    found = await current(desk, account)
    if found is None:
        return []
    one = found.details
    town = " ".join(part for part in (one.postal_code, one.city) if part)
    lines = [one.company, one.name, *one.address, town, one.country, one.vat_id]
    return [line for line in lines if line]
