"""The catalogue's versions, and what one changes of another: its places, and what that means for accounts."""

from __future__ import annotations

from functools import partial
from itertools import islice, takewhile
from typing import Final

import msgspec

from domain.catalog import Catalogues
from domain.catalog_diff import CatalogChange, Effect, Tally, changes, effect
from domain.coming import settled_as_paid
from domain.own_catalog import stored_catalog
from prorata.http.call import Call
from prorata.http.desk import Desk
from service.catalogue_store import version_named

MOST: Final = 500
"""Accounts of the tenant that are looked at."""


class AccountEffect(msgspec.Struct, frozen=True):
    """What an account would pay at its next renewals under the later version."""

    account: str
    effect: Effect


class CataloguesCompared(msgspec.Struct, frozen=True):
    """What the later version changes; `tallies` by currency: who pays more or less. `looked_at`: how many of
    the tenant's accounts on the wall clock; `all_of_them`: there are no more."""

    old: int
    new: int
    changes: tuple[CatalogChange, ...]
    effects: tuple[AccountEffect, ...]
    tallies: dict[str, Tally]
    looked_at: int
    all_of_them: bool


async def catalogues_compared(desk: Desk, call: Call, old: int, new: int) -> CataloguesCompared:
    """The two versions. Raises InvalidInput `unknown_version`."""
    versions = await desk.run(desk.system.catalogues.versions)
    before = stored_catalog(version_named(versions, old).body)
    after = stored_catalog(version_named(versions, new).body)
    was, becomes = Catalogues.always(before), Catalogues.always(after)
    begins, log, now = f"{call.tenant}/", desk.system.log, await desk.now()
    accounts = await desk.run(
        lambda: list(islice(takewhile(lambda one: one.startswith(begins), log.accounts(begins)), MOST + 1))
    )
    found: list[AccountEffect] = []
    tallies: dict[str, Tally] = {}
    looked_at = 0
    for account_id in accounts[:MOST]:
        state = await desk.service.last_seen(account_id)
        if state is None or state.closed or state.clock != "wall":
            continue
        series = await desk.series_for(state)
        settled = (await desk.run(partial(settled_as_paid, state, max(now, state.last_at), series)))[0]
        told = effect(settled, was, becomes)
        looked_at += 1
        tallies.setdefault(told.currency, Tally()).count(told)
        if told.items or told.fates:
            found.append(AccountEffect(account_id.removeprefix(begins), told))
    places = changes(before, after)
    return CataloguesCompared(old, new, places, tuple(found), tallies, looked_at, len(accounts) <= MOST)
