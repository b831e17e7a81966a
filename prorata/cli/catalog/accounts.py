"""`prorata catalog diff --accounts`: what another catalogue does to each account, and to all by currency."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

from domain.catalog import Catalogues
from domain.catalog_diff import Effect, Fate, ItemFate, Tally, effect
from domain.coming import settled_as_paid
from domain.errors import Failure
from domain.events import Clock
from prorata.cli.terminal.failures import complain
from prorata.settings import Settings

FATES: Final[dict[Fate, str]] = {
    "no_longer_sold": "{product} is no longer sold: it goes on at its own last price",
    "downgrade_to_what_is_no_longer_sold": "its downgrade is to {product}, which is no longer sold",
    "ends_for_want_of_a_plan": "{product} ends for want of a plan that it needs",
    "no_longer_ends": "{product} no longer ends for want of a plan",
}


def print_accounts(old: Catalogues, new: Catalogues, clock: Clock, *, json: bool) -> bool:
    """Print the effects on accounts; False if some account could not be compared."""
    tallies: dict[str, Tally] = {}
    all_read = True
    for account, found in effects(old, new, clock):
        if isinstance(found, Failure):
            all_read = False
            complain(found.code, str(found))
            continue
        tallies.setdefault(found.currency, Tally()).count(found)
        if not found.items and not found.fates:
            continue
        if json:
            fields = {"account": account, "difference": str(found.difference), **msgspec.to_builtins(found)}
            print(line("account", fields), flush=True)
        else:
            print(f"  {account}: {_effect_text(found)}", flush=True)
    for currency, tally in sorted(tallies.items()):
        if json:
            print(line("summary", {"currency": currency, **msgspec.to_builtins(tally)}))
        else:
            print(_tally_text(currency, tally))
    if not tallies and not json:
        print("no account would renew anything")
    return all_read


def effects(old: Catalogues, new: Catalogues, clock: Clock) -> Iterator[tuple[str, Effect | Failure]]:
    """Yield each open account on the clock with its next renewals under both series, or why it cannot be
    read. What is due on the wall clock by now counts as settled and paid."""
    from eventlog.errors import LogUnavailable, WrongDatabase
    from prorata.wiring import running

    with running(Settings.of()) as system:
        now = system.clock.now()
        for account in system.log.accounts():
            try:
                state = system.service.account(account)
                if state is None or state.closed or state.clock != clock:
                    continue
                if state.clock == "wall":
                    series = system.catalogues.series_for(state)
                    state, _ = settled_as_paid(state, max(now, state.last_at), series)
            except (LogUnavailable, WrongDatabase):
                raise
            except Failure as failure:
                yield account, failure
                continue
            yield account, effect(state, old, new)


def line(kind: str, value: object) -> str:
    """A line for programs."""
    fields = msgspec.to_builtins(value)
    return msgspec.json.encode({"kind": kind, **fields}).decode()


def _effect_text(found: Effect) -> str:
    items = [
        f"{i.product} on {i.date} {'–' if i.old is None else i.old} → {'–' if i.new is None else i.new}"
        for i in found.items
    ]
    said = ", ".join(items + [_fate_text(one) for one in found.fates])
    return f"{found.old} → {found.new} {found.currency} ({found.difference:+}): {said}"


def _fate_text(one: ItemFate) -> str:
    product = one.product if one.tier is None else f"{one.product} ({one.tier})"
    return FATES[one.fate].format(product=product)


def _tally_text(currency: str, tally: Tally) -> str:
    same = tally.accounts - tally.more - tally.less
    return (
        f"{currency}: {tally.accounts} accounts; {tally.more} pay more ({tally.more_amount:+}), "
        f"{tally.less} pay less ({tally.less_amount:+}), {same} the same"
    )
