"""Random histories beside random series of catalogue versions: products are withdrawn, come back, get another
name, price, tier, prerequisite or currency; policies change; now and then a version is tried that makes
something else of a product.

    account = Told(Random(7)).account          # a VirtualAccount with its whole series
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from random import Random
from typing import Any, Final

import msgspec

from domain import commands as c
from domain.answers import Answer
from domain.calendar import Instant, parse_moment
from domain.catalog import Catalog, Catalogues, convert_catalog
from domain.catalog_file import CatalogFile
from domain.commands import Request
from domain.state import Account
from prorata.simulation.run import Method, VirtualAccount
from tests.reference.catalogues import catalogue

CURRENCY: Final = "EUR"
OTHER: Final = "USD"
PRICES: Final = ("0.01", "5.00", "7.50", "10.00", "13.00", "20.00", "26.50", "99.99")
POLICIES: Final[list[dict[str, Any]]] = [
    {"tier_upgrade": "by_days"},
    {"tier_upgrade": "full_difference"},
    {"nonprofit_percent": "15"},
]
BEGIN: Final = parse_moment("2026-01-31T10:00", "Europe/Paris")
Look = Callable[["Told", Request], None]


class Told:
    """One account's random history. `look` is called before each command of the account."""

    def __init__(self, random: Random, look: Look | None = None) -> None:
        self.random = random
        self.now = BEGIN
        self.kinds = catalogue(random, CURRENCY)
        """Every product that was ever listed, as it last was; by its kind."""
        self.catalog = convert_catalog(self.kinds)
        self.account = opened(self.catalog)
        self.steps: list[tuple[Instant, c.Command | bool]] = []
        """Commands, and whether payments work from then on, each with its instant."""
        self.answers: list[Answer] = []
        for _ in range(random.randint(15, 45)):
            self._move_on()
            step = self._step()
            if look is not None and not isinstance(step, bool | c.ChangeCatalog):
                self.account.settle(self.now)
                look(self, self.request(step))
            self.steps.append((self.now, step))
            if (answer := taken(self.account, self.now, step)) is not None:
                self.answers.append(answer)
        self._move_on()
        self.account.settle(self.now)

    @property
    def state(self) -> Account:
        return self.account.account

    def request(self, command: c.Command) -> Request:
        """The command, confirmed, now."""
        return Request(command, self.now, "test", cvv=True, billing=True)

    def again_with_billing_runs(self, random: Random) -> VirtualAccount:
        """The same steps on another account, which billing runs meet in between."""
        account, before = opened(self.catalog), BEGIN
        for at, step in [*self.steps, (self.now, None)]:
            for part in sorted(random.random() for _ in range(random.randint(0, 3))):
                account.settle(before + timedelta(seconds=int((at - before).total_seconds() * part)))
            before = at
            if step is not None:
                taken(account, at, step)
        account.settle(self.now)
        return account

    def _move_on(self) -> None:
        random = self.random
        later = self.now + timedelta(
            days=random.choice([0, 0, 1, 3, 3, 8, 20, 31]), hours=random.choice([0, 7])
        )
        ends = [item.cycle.ends_at for item in self.state.items if item.cycle is not None]
        ahead = [at for at in ends if at > self.now]
        self.now = min(ahead) if ahead and random.random() < 0.3 else later

    def _step(self) -> c.Command | bool:
        if self.random.random() < 0.25:
            return self._another_catalogue()
        if self.random.random() < (0.03 if self.account.method.works else 0.6):
            return not self.account.method.works
        return self._command()

    # ---- commands

    def _command(self) -> c.Command:
        random, known = self.random, self.kinds
        families = [family["id"] for family in known["families"]]
        add_on = random.choice(known["add_ons"])["id"]
        packs = [pack["id"] for pack in known["credits"]] or ["gold"]
        held = [*self.state.addons, *[item.product for item in self.state.plans.values()]] or ["gold"]
        choices: list[tuple[int, Callable[[], c.Command]]] = [
            (14, self._plan),
            (6, lambda: c.PurchaseAddon(add_on)),
            (1, lambda: c.RemoveAddon(add_on)),
            (1, lambda: c.CancelPlan(random.choice(families))),
            (2, lambda: c.PausePlan(random.choice(families))),
            (3, lambda: c.ResumePlan(random.choice(families))),
            (2, lambda: c.Undo(random.choice(held))),
            (4, lambda: c.StartTransactional(random.randint(1, 9))),
            (1, lambda: c.ChangeTransactional(random.randint(1, 9))),
            (1, lambda: c.TopUpTransactional(random.randint(1, 3))),
            (1, c.StopTransactional),
            (1, lambda: c.BuyCredits(random.choice(packs))),
            (2, c.PayBalance),
            (3, self._reprice),
        ]
        return random.choices([make for _, make in choices], [weight for weight, _ in choices])[0]()

    def _plan(self) -> c.Command:
        """A purchase in a family without a plan, else a change, most often to what is sold and cheap."""
        sold = [(p, t) for p in self._sold().plans for t in p.tiers if CURRENCY in t.prices]
        if not sold or self.random.random() < 0.1:
            plan = self.random.choice(self.kinds["plans"])
            return c.PurchasePlan(plan["id"], self.random.choice(plan["tiers"])["id"])
        found = self.random.sample(sold, min(2, len(sold)))
        plan, tier = min(found, key=lambda one: Decimal(one[1].prices[CURRENCY]) or Decimal(10))
        held = self.state.plans.get(plan.family)
        return (c.PurchasePlan if held is None else c.ChangePlan)(plan.id, tier.id)

    def _reprice(self) -> c.Command:
        priced = [(plan["id"], tier["id"]) for plan in self.kinds["plans"] for tier in plan["tiers"]]
        priced += [(one["id"], None) for one in self.kinds["add_ons"] if "prices" in one]
        product, tier = self.random.choice(priced)
        return c.OverridePrice(product, self.random.choice([*PRICES, "0.00"]), tier)

    # ---- versions

    def _another_catalogue(self) -> c.ChangeCatalog:
        change: dict[str, Any] = {}
        for _ in range(self.random.choice([1, 1, 2, 3])):
            self.random.choice(
                [
                    self._withdraw,
                    self._withdraw,
                    self._list,
                    self._list,
                    self._list,
                    self._misuse,
                    self._policy,
                ]
            )(change)
        listed = {one["id"] for kind in ("plans", "add_ons", "credits") for one in change.get(kind, ())}
        change["withdrawn"] = [name for name in change.get("withdrawn", ()) if name not in listed]
        return msgspec.convert({"do": "catalog", **change}, c.ChangeCatalog)

    def _sold(self) -> CatalogFile:
        return self.account.catalogues.at(self.now).file

    def _withdraw(self, change: dict[str, Any]) -> None:
        sold = self._sold()
        products = [one.id for kind in (sold.plans, sold.add_ons, sold.credits) for one in kind]
        held = [*self.state.addons, *[plan.product for plan in self.state.plans.values()]]
        held += [plan.downgrade.product for plan in self.state.plans.values() if plan.downgrade is not None]
        of_this = [product for product in products if product in held]
        if of_this and self.random.random() < 0.6:
            products = of_this
        if products:
            product = self.random.choice(products)
            change["withdrawn"] = sorted({*change.get("withdrawn", ()), product})

    def _policy(self, change: dict[str, Any]) -> None:
        change["policies"] = self.random.choice(POLICIES)

    def _list(self, change: dict[str, Any]) -> None:
        """A product, perhaps one that was withdrawn, stands with something else about it that may change."""
        random = self.random
        kind = random.choice(["plans", "plans", "add_ons", "add_ons", "credits"])
        if not self.kinds[kind]:
            return
        product = random.choice(self.kinds[kind])
        product["name"] = random.choice(["One", "Another"])
        if kind == "plans":
            self._retier(product)
        elif "prices" in product:
            product["prices"] = self._priced(product["prices"])
        else:
            for step in product["block"]["prices"]:
                step["prices"] = {random.choice([CURRENCY, CURRENCY, OTHER]): random.choice(PRICES)}
        if kind == "add_ons":
            plans = [plan["id"] for plan in self.kinds["plans"]]
            product["requires"] = random.sample(plans, random.randint(1, min(2, len(plans))))
            if random.random() < 0.4:
                del product["requires"]
        ids = {product["id"]}
        for other in ("add_ons", "credits"):  # perhaps listed as another kind of product already
            change[other] = [one for one in change.get(other, ()) if one["id"] not in ids]
        others = [one for one in change.get(kind, ()) if one["id"] not in ids]
        change[kind] = [*others, copy.deepcopy(product)]

    def _retier(self, plan: dict[str, Any]) -> None:
        free = all(float(p) == 0 for tier in plan["tiers"] for p in tier["prices"].values())
        if self.random.random() < 0.3 and len(plan["tiers"]) > 1:
            plan["tiers"] = plan["tiers"][1:]
        elif self.random.random() < 0.2:
            plan["tiers"].append({"id": f"t{len(plan['tiers'])}x{self.random.randint(0, 99)}", "prices": {}})
        for tier in plan["tiers"]:
            tier["prices"] = self._priced(tier["prices"], free=free)

    def _priced(self, prices: dict[str, str], *, free: bool = False) -> dict[str, str]:
        """Other prices, perhaps none in the account's currency any more."""
        price = "0.00" if free else self.random.choice(PRICES)
        choice = self.random.random()
        if choice < 0.25:
            return {OTHER: price}
        return prices if choice < 0.4 else {CURRENCY: price}

    def _misuse(self, change: dict[str, Any]) -> None:
        """What no later version may do; the product keeps being what it was."""
        random = self.random
        plan = copy.deepcopy(random.choice(self.kinds["plans"]))
        families = [family["id"] for family in self.kinds["families"]]
        which = random.randint(0, 3)
        if which == 0:
            plan["family"] = random.choice(families)
            change["plans"] = [plan]
        elif which == 1:
            free = all(float(p) == 0 for tier in plan["tiers"] for p in tier["prices"].values())
            plan["tiers"][0]["prices"] = {CURRENCY: "5.00" if free else "0.00"}
            change["plans"] = [plan]
        elif which == 2:
            add_on = random.choice(self.kinds["add_ons"])
            change.pop("add_ons", None)
            change["credits"] = [
                {"id": add_on["id"], "name": "X", "credits": 1, "prices": {CURRENCY: "1.00"}}
            ]
        else:
            add_on = copy.deepcopy(random.choice(self.kinds["add_ons"]))
            if "prices" in add_on:
                del add_on["prices"]
                step = {"up_to": None, "prices": {CURRENCY: "1.00"}}
                add_on |= {"process": "transactional", "block": {"e_mails": 1, "prices": [step]}}
            else:
                add_on = {"id": add_on["id"], "name": "X", "prices": {CURRENCY: "1.00"}}
            change.pop("credits", None)
            change["add_ons"] = [add_on]


def opened(catalog: Catalog) -> VirtualAccount:
    """An account in Paris with this catalogue."""
    return VirtualAccount(CURRENCY, "Europe/Paris", Catalogues.always(catalog), BEGIN)


def taken(account: VirtualAccount, at: Instant, step: c.Command | bool) -> Answer | None:
    """Take the step; the answer to a command."""
    if isinstance(step, bool):
        account.settle(at)
        account.method = Method(works=step)
        return None
    return account.give(Request(step, at, "test", cvv=True, billing=True))
