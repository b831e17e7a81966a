"""What is sold by a process of its own (R20): blocks of e-mails, more from the next renewal on, a top-up
now."""

from __future__ import annotations

from functools import partial
from typing import Any

from domain.billing_page import billing_page
from domain.catalog import BlockPrice
from domain.shop import shop
from prorata.http.desk import Desk
from prorata.http.problems import refuse
from prorata.pages.account.opened import Opened, opened
from prorata.pages.page import Shown, Visit
from prorata.wording import answer_said
from prorata.wording.quotes import beside_said, why_said


async def show(desk: Desk, visit: Visit) -> Shown:
    """Its prices, and what can be done now."""
    account = await opened(desk, visit)
    looked, say = account.looked, account.say
    found = await desk.run(partial(shop, looked.state, looked.at, looked.catalogues))
    if not found.own_processes:
        raise refuse("not_found", "nothing is sold by blocks")
    process = found.own_processes[0]
    held = await desk.run(partial(billing_page, looked.state, looked.at, looked.catalogues))
    item = next((one for one in held.items if one.product == process.product), None)
    first = process.first_block
    values: dict[str, Any] = {
        "process": process,
        "steps": _steps(process.block_prices, account),
        "actions": () if item is None else item.actions,
        "blocks_now": 1 if item is None else item.blocks,
        "allowance": None if item is None or item.allowance is None else say.number(item.allowance),
        "starts": first.code is None,
        "today": None if first.charged is None else say.amount(first.charged, account.currency),
        "why": [] if first.charged is None else _why(first, account),
        "why_not": None
        if first.code is None or item is not None
        else answer_said(first, say, account.currency),
    }
    return account.shown("transactional.html", "/account/shop", values)


def _why(first: Any, account: Opened) -> list[str]:
    said = (first, account.currency, account.say)
    return [*why_said(*said), *beside_said(*said)]


def _steps(prices: tuple[BlockPrice, ...], account: Opened) -> list[tuple[str, str]]:
    """Each step of the graduated price, and the blocks that it is for."""
    say, low, found = account.say, 1, []
    for step in prices:
        high = step.up_to
        blocks = say.say("from {low}", low=low) if high is None else f"{say.number(low)}–{say.number(high)}"
        found.append((blocks, say.amount(step.price, account.currency)))
        low = (high or 0) + 1
    return found
