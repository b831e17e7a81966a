"""Random stories in the form of scenario files, told with the reference model beside: it says what is held,
so that most commands make sense, and which instants are worth standing on."""

from __future__ import annotations

import copy
import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from hypothesis import strategies as st

from tests.reference.books import Books, Item
from tests.reference.catalogues import catalogue, written
from tests.reference.dates import (
    DAY,
    beginning,
    date_at,
    months_after,
    offset,
    parse,
    pieces,
    wall,
    zone_named,
)
from tests.reference.days import prerequisite_met
from tests.reference.model import take

_SHIPPED = Path(__file__).parent.parent / "scenarios" / "catalog.json"
_EXAMPLE: dict[str, Any] = json.loads(_SHIPPED.read_text(encoding="utf-8"))

# Zones with the months in which a story may begin: there midnight is skipped or comes twice, a date is
# missing, or the offset is odd.
ZONES: list[tuple[str, list[tuple[int, int]]]] = [
    ("UTC", [(2024, 1), (2023, 11), (2026, 1), (2027, 12)]),
    ("Europe/Paris", [(2024, 1), (2026, 2), (2026, 8), (2027, 10)]),
    ("America/New_York", [(2025, 1), (2026, 9)]),
    ("America/St_Johns", [(2010, 8), (2009, 1), (2006, 9), (1988, 2)]),
    ("Pacific/Apia", [(2011, 10), (2011, 11), (2011, 12), (2010, 12)]),
    ("Pacific/Fakaofo", [(2011, 10), (2011, 12)]),
    ("America/Sao_Paulo", [(2018, 8), (2017, 1), (2013, 9)]),
    ("Asia/Kathmandu", [(2026, 1), (1985, 11), (1985, 12)]),
    ("Africa/Cairo", [(2023, 3), (2024, 2), (2025, 9), (2010, 7)]),
    ("Pacific/Kwajalein", [(1993, 6), (1993, 7), (1993, 8)]),
    ("Pacific/Kiritimati", [(1994, 10), (1994, 12)]),
    ("America/Havana", [(2012, 2), (2013, 9), (2024, 2)]),
    ("Atlantic/Azores", [(2025, 2), (2025, 8)]),
    ("Asia/Beirut", [(2023, 2), (2023, 9)]),
    ("America/Asuncion", [(2019, 8), (2024, 2)]),
    ("Antarctica/Troll", [(2024, 2)]),
    ("Australia/Lord_Howe", [(2026, 2)]),
]
SPAN = 3 * 366 * DAY


def story(random: Random, most_steps: int = 30) -> dict[str, Any]:
    """A scenario file as an object, with its catalogue inside and no expectations."""
    return Teller(random).told(random.randint(1, most_steps))


def stories(most_steps: int = 15) -> st.SearchStrategy[dict[str, Any]]:
    """The same stories as a strategy, whose choices hypothesis can shrink."""
    return st.randoms(use_true_random=False).map(lambda random: story(random, most_steps))


def told_from_seeds(most_steps: int = 30) -> st.SearchStrategy[dict[str, Any]]:
    """Stories as rich as those of `prove`, by their seeds: hypothesis cannot shrink these."""
    return st.integers(0, 2**32).map(lambda seed: story(Random(seed), most_steps))


class Teller:
    """Makes up a story step by step."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.zone, months = random.choice(ZONES)
        self.currency = random.choice(["EUR", "EUR", "JPY", "KWD", "USD"])
        shipped = self.currency != "KWD" and random.random() < 0.3
        self.catalogue = _EXAMPLE if shipped else catalogue(random, self.currency)
        year, month = random.choice(months)
        first = date(year, month, 1) + timedelta(days=random.choice([0, 4, 14, 19, 27, 28, 29, 30, 30]))
        self._begin(first)
        self.steps: list[dict[str, Any]] = []
        self.queue: list[dict[str, Any]] = []
        self.waits = [0]
        self.trouble = random.choice([0.0, 0.03, 0.08])
        self.broke_at = self.solvent_at = -1
        self.forgetful = random.random() < 0.5

    def _begin(self, day: date) -> None:
        self.opened = self.now = beginning(day, self.zone) + self.random.choice([0, 0, 1, 36_000, DAY - 1])
        self.books = Books(self.currency, self.zone, self.catalogue, self.now)

    def told(self, count: int) -> dict[str, Any]:
        """A story of so many steps."""
        opening = self.random.random()
        if opening < 0.3:
            self._open_with_several_cycles()
        elif opening < 0.45:
            self._open_with_addons_alone()
        if self.broke_at < 0 and self.random.random() < 0.4:
            self.broke_at = len(self.queue) + self.random.randint(1, 8)
        while len(self.steps) < count:
            if len(self.steps) == self.broke_at:
                self._go_broke()
            step = {"at": self._written(self.now), **(self.queue.pop() if self.queue else self._step())}
            answer = take(self.books, step, parse(step["at"], self.zone))
            self.steps.append(step)
            if answer["code"] == "payment_declined" and not self.queue and self.random.random() < 0.1:
                self._insist(step)
            self._move_on()
        self._move_on()
        return {
            "name": "a random story",
            "catalog": self.catalogue,
            "account": {"currency": self.currency, "time_zone": self.zone},
            "steps": self.steps,
            "until": self._written(self.now),
        }

    def _open_with_several_cycles(self) -> None:
        """Begin with items whose cycles end on different dates: bought, paused and resumed days apart."""
        families = [family["id"] for family in self.catalogue["families"]]
        first = self.random.choice(families)
        second = self.random.choice(families)
        opening: list[dict[str, Any]] = [
            {"do": "purchase_plan", **(self._any_plan(first) or {"product": "gold"})},
            {"do": "pause_plan", "family": first},
            {"do": "purchase_plan", **(self._any_plan(second) or {"product": "gold"})},
            {"do": "resume_plan", "family": first},
            {"do": "change_plan", **(self._any_plan(first) or {"product": "gold"})},
        ]
        for entry in self.random.sample(self.catalogue["add_ons"], min(2, len(self.catalogue["add_ons"]))):
            step = {"do": "purchase_addon", "product": entry["id"]}
            opening.insert(self.random.randint(0, len(opening)), step)
        self.queue = opening[::-1]
        self.waits = [0, 60, DAY, 3 * DAY, 5 * DAY, 8 * DAY]

    def _open_with_addons_alone(self) -> None:
        """Begin with add-ons that have cycles of their own."""
        addons = [entry["id"] for entry in self.catalogue["add_ons"] if "requires" not in entry]
        self.random.shuffle(addons)
        self.queue = [{"do": "purchase_addon", "product": addon} for addon in addons]
        self.waits = [0, DAY, DAY, 2 * DAY, 3 * DAY, 9 * DAY]
        if self.random.random() < 0.5:  # the end of January: in February their dates are one, then no more
            year = date_at(self.now, self.zone).year
            self._begin(date(year, 1, self.random.choice([27, 28, 29, 30])))
            self.waits = [0, DAY, DAY, 2 * DAY]
            self.broke_at = len(addons) + self.random.choice([0, 0, 1])

    def _go_broke(self) -> None:
        """For some steps no payment works, and the story goes from one renewal date to the next."""
        self.queue = [{"do": "payment_method", "works": False}]
        self.waits = [0]
        self.solvent_at = len(self.steps) + self.random.randint(2, 12)

    def _insist(self, step: dict[str, Any]) -> None:
        """Try the same again, until attempts are locked."""
        again = {name: value for name, value in step.items() if name not in ("at", "id", "payment")}
        times = self.random.choice([1, 4, 4, 5])
        self.queue = [again, *[{**again, "payment": "declined"} for _ in range(times)]]
        self.waits = [0, 0, 1, 20_000, 28_800]

    # ---- moments

    def _move_on(self) -> None:
        waits = self.random.choice(self.waits) if self.queue else self._pause_between()
        locked = len(self.queue) == 1 and len(self.books.declines) > 4
        if locked and self.random.random() < 0.7:
            waits = max(0, self.books.declines[-1] + DAY + self.random.choice([-1, 0, 0, 1]) - self.now)
        later = self.now + waits
        self.now = max(self.now, min(later, self.opened + SPAN))

    def _pause_between(self) -> int:
        random = self.random
        kind = random.choices(
            ["none", "boundary", "hours", "days", "weeks", "months", "lock", "seconds", "clock"],
            [22, 28 if self.books.works and not self.books.owed else 90, 10, 20, 8, 3, 4, 5, 4],
        )[0]
        if kind == "boundary":
            days = [day for day in self._days_of_note() if beginning(day, self.zone) > self.now]
            if days:
                day = min(days) if random.random() < 0.8 else random.choice(days)
                return max(0, beginning(day, self.zone) + random.choice([-1, 0, 0, 0, 1, 36_000]) - self.now)
        if kind == "clock":
            changes = [
                at for at, _, _ in pieces(date_at(self.now, self.zone).year, self.zone) if at > self.now
            ]
            near = random.choice([-1, 0, 1, 900, 1800, 3599, 3600])
            return max(0, min(changes, default=self.now) + near - self.now)
        if kind == "lock" and self.books.declines:
            return max(0, self.books.declines[-1] + DAY + random.choice([-1, 0, 1]) - self.now)
        within = {
            "hours": (1, 40_000), "days": (DAY // 2, 6 * DAY), "weeks": (5 * DAY, 40 * DAY),
            "months": (30 * DAY, 400 * DAY), "seconds": (1, 2),
        }  # fmt: skip
        least, most = within.get(kind, (0, 0))
        return random.randint(least, most)

    def _days_of_note(self) -> list[date]:
        books = self.books
        items = [*books.plans.values(), *books.addons]
        days = [item["end"] for item in items if item["end"] is not None]
        days += [item["resume_on"] for item in items if item.get("resume_on")]
        days += [pack["expires"] for pack in books.packs if not pack["expired"]]
        days += [months_after(starts[-2], 12) for starts in books.pauses.values() if len(starts) > 1]
        return sorted(set(days)) or [date_at(self.now, self.zone) + timedelta(days=1)]

    def _written(self, at: int) -> str:
        """One of the ways to write the instant."""
        local = datetime.fromtimestamp(wall(at, self.zone), UTC).replace(tzinfo=None)
        ways = [datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")]
        day = date_at(at, self.zone)
        if beginning(day, self.zone) == at:
            ways += [day.isoformat()] * 3
        for form in ("%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M"):
            text = local.strftime(form)
            try:
                if parse(text, self.zone) == at:
                    ways.append(text)
            except ValueError:
                continue
        ahead = offset(at, self.zone)
        if ahead % 60 == 0:
            ways.append(datetime.fromtimestamp(at, zone_named(self.zone)).isoformat())
        return self.random.choice(ways)

    # ---- steps

    def _step(self) -> dict[str, Any]:
        walked = self.random.random()
        broke = len(self.steps) < self.solvent_at
        if walked < (0.02 + self.trouble if self.books.works else 0.0 if broke else 0.5):
            return {"do": "payment_method", "works": not self.books.works or self.random.random() < 0.05}
        if walked < 0.06 + self.trouble and (priced := self._priced()):
            return self._reprice(priced)
        step = self._strange() if self.random.random() < 0.12 else self._sensible()
        return {**step, **self._circumstances(step)}

    def _circumstances(self, step: dict[str, Any]) -> dict[str, Any]:
        random = self.random
        found: dict[str, Any] = {}
        if random.random() < 0.12:
            found["id"] = random.choice("abcd")
        if random.random() < 0.03:
            found["by"] = random.choice(["admin", "manager", "author", "viewer", "guest"])
        if random.random() < 0.05:
            found["confirm"] = random.choice([{"cvv": False}, {"billing": False}, {}])
        if random.random() < 0.05 + self.trouble:
            found["payment"] = "declined"
        if random.random() < 0.06:
            quoted = self._quoted(step) if random.random() < 0.7 else random.choice([0, 1, 484, 1000, 2000])
            found["expected_total"] = written(quoted, self.currency)
        return found

    def _quoted(self, step: dict[str, Any]) -> int:
        """What the step would cost."""
        return int(take(copy.deepcopy(self.books), step, self.now)["charged"] or 0)

    def _priced(self) -> list[tuple[str, str | None]]:
        """What has a price that may change; that of Free seldom does."""
        seldom = {
            key for key, price in self.books.prices.items() if price == 0 and self.random.random() < 0.9
        }
        return sorted(set(self.books.prices) - seldom, key=str)

    def _reprice(self, priced: list[tuple[str, str | None]]) -> dict[str, Any]:
        product, tier = self.random.choice(priced)
        others = [price for price in self.books.prices.values() if price > 0]
        price = self.random.choice([*others, 1, 10, 1250, 3333])
        if self.random.random() < (0.2 if tier is None else 0.05):
            price = 0
        step = {"do": "reprice", "product": product, "price": written(price, self.currency)}
        return step if tier is None else {**step, "tier": tier}

    def _strange(self) -> dict[str, Any]:
        """Anything at all, also what the catalogue does not have."""
        random = self.random
        catalogue = self.catalogue
        products = [*self.books.places, "gold"]
        families = [entry["id"] for entry in catalogue["families"]] + ["sms"]
        do = random.choice([
            "purchase_plan", "change_plan", "cancel_plan", "pause_plan", "resume_plan", "purchase_addon",
            "remove_addon", "undo", "buy_credits", "start_transactional", "change_transactional",
            "top_up_transactional", "stop_transactional", "pay_balance", "close_account",
        ])  # fmt: skip
        if do in ("cancel_plan", "pause_plan", "resume_plan"):
            return {"do": do, "family": random.choice(families)}
        if do in ("start_transactional", "change_transactional", "top_up_transactional"):
            return {"do": do, "blocks": random.randint(1, 9)}
        if do in ("stop_transactional", "pay_balance"):
            return {"do": do}
        if do == "close_account":
            return {"do": do if random.random() < 0.15 else "pay_balance"}
        step = {"do": do, "product": random.choice(products)}
        if do in ("purchase_plan", "change_plan") and random.random() < 0.1:
            step["tier"] = "7"
        return step

    def _sensible(self) -> dict[str, Any]:
        """Something that may well be done as things stand."""
        books = self.books
        choices: list[tuple[int, dict[str, Any]]] = []
        for family in self.catalogue["families"]:
            choices += self._of_family(family, books.plans.get(family["id"]))
        choices += self._of_addons()
        for pack in self.catalogue["credits"]:
            choices.append((2, {"do": "buy_credits", "product": pack["id"]}))
        if books.owed is not None:
            weight = 40 if books.works and not self.forgetful else 4
            choices.append((weight, {"do": "pay_balance"}))
        weights = [weight for weight, _ in choices]
        return self.random.choices([step for _, step in choices], weights)[0]

    def _of_family(self, family: dict[str, Any], held: Item | None) -> list[tuple[int, dict[str, Any]]]:
        name = family["id"]
        plan = self._any_plan(name)
        if held is None:
            return [(12, {"do": "purchase_plan", **plan})] if plan else []
        change = (8, {"do": "change_plan", **(plan or {"product": held["product"]})})
        cancel = {"do": "cancel_plan", "family": name}
        if held["free"]:
            return [(2, cancel), change, (5, {**change[1], "do": "purchase_plan"})]
        undo = {"do": "undo", "product": held["product"]}
        if held["leaving"]:
            again = {"do": "purchase_plan", "product": held["product"], "tier": held["tier"]}
            return [(3, undo), (2, again), (1, {"do": "resume_plan", "family": name})]
        if held["paused"] is not None:
            return [(9, {"do": "resume_plan", "family": name}), (5, cancel)]
        pause: dict[str, Any] = {"do": "pause_plan", "family": name}
        if self.random.random() < 0.5:
            pause["resume_on"] = self._resume_on(held)
        pending = [(5, undo)] if held["downgrade"] is not None else []
        return [(10 if family["pausable"] else 1, pause), (3, cancel), change, *pending]

    def _any_plan(self, family: str) -> dict[str, Any] | None:
        plans = [plan for plan in self.catalogue["plans"] if plan["family"] == family]
        if not plans:
            return None
        plan = self.random.choice(plans)
        chosen: dict[str, Any] = {"product": plan["id"]}
        if self.random.random() < 0.6:
            chosen["tier"] = self.random.choice(plan["tiers"])["id"]
        return chosen

    def _resume_on(self, held: Item) -> str:
        today = date_at(self.now, self.zone)
        near = [today + timedelta(days=days) for days in (0, 1, 1, 2, 9, 45)]
        ends = [held["end"], held["end"] - timedelta(days=1), held["end"] + timedelta(days=1)]
        later: date = self.random.choice([*near, *ends, *ends, *self._days_of_note()])
        return later.isoformat()

    def _of_addons(self) -> list[tuple[int, dict[str, Any]]]:
        choices: list[tuple[int, dict[str, Any]]] = []
        for entry in self.catalogue["add_ons"]:
            held = self.books.held_addon(entry["id"])
            if entry.get("process"):
                choices += self._of_transactional(held, 8 if self._allowed(entry) else 1)
            elif held is None:
                weight = 6 if self._allowed(entry) else 1
                choices.append((weight, {"do": "purchase_addon", "product": entry["id"]}))
            elif held["leaving"]:
                undo = {"do": "undo", "product": entry["id"]}
                choices += [(2, undo), (1, {"do": "purchase_addon", "product": entry["id"]})]
            else:
                choices.append((5 if self.books.owed else 2, {"do": "remove_addon", "product": entry["id"]}))
        return choices

    def _allowed(self, entry: dict[str, Any]) -> bool:
        active = [item["product"] for item in self.books.plans.values() if item["paused"] is None]
        return prerequisite_met(self.books, entry["id"], active)

    def _of_transactional(self, held: Item | None, weight: int) -> list[tuple[int, dict[str, Any]]]:
        blocks = self.random.randint(1, 9)
        if held is None:
            return [(weight, {"do": "start_transactional", "blocks": blocks})]
        undo = {"do": "undo", "product": held["product"]}
        again = [(1, undo), (1, {"do": "start_transactional", "blocks": blocks})]
        other = self.random.choice([blocks, held["blocks"], held["next_blocks"]])
        return [
            (2, {"do": "stop_transactional"}),
            (4, {"do": "top_up_transactional", "blocks": blocks}),
            (4, {"do": "change_transactional", "blocks": other}),
            *(again if held["leaving"] else []),
        ]
