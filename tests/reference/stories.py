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

from tests.reference.account.books import Books
from tests.reference.account.orders import WAIT
from tests.reference.account.telling import take
from tests.reference.catalogues import catalogue, written
from tests.reference.dates import (
    DAY,
    beginning,
    date_at,
    offset,
    parse,
    pieces,
    wall,
    zone_named,
)
from tests.reference.first_steps import FirstPart, days_of_note
from tests.reference.later_versions import later_version
from tests.reference.second_steps import second_part, while_waiting
from tests.reference.settings_of_stories import codes, policies, tax_profile, tax_table
from tests.reference.switches import OFF, Switches, drawn

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
_SELL = ("purchase_plan", "change_plan", "purchase_addon", "buy_credits", "start_transactional")


def story(random: Random, most_steps: int = 30, switches: Switches = OFF) -> dict[str, Any]:
    """A scenario file as an object, with its catalogue inside and no expectations."""
    return Teller(random, switches).told(random.randint(1, most_steps))


def stories(most_steps: int = 15) -> st.SearchStrategy[dict[str, Any]]:
    """The same stories as a strategy, whose choices hypothesis can shrink."""
    return st.randoms(use_true_random=False).map(lambda random: story(random, most_steps))


def told_from_seeds(most_steps: int = 30) -> st.SearchStrategy[dict[str, Any]]:
    """Stories as rich as those of `prove`, by their seeds: hypothesis cannot shrink these."""
    return st.integers(0, 2**32).map(lambda seed: story(Random(seed), most_steps))


def told_with_everything(most_steps: int = 30) -> st.SearchStrategy[dict[str, Any]]:
    """Such stories in which some features of the second part are on, or all, or none."""

    def told(seed: int) -> dict[str, Any]:
        random = Random(seed)
        return story(random, most_steps, drawn(random))

    return st.integers(0, 2**32).map(told)


class Teller:
    """Makes up a story step by step."""

    def __init__(self, random: Random, switches: Switches = OFF) -> None:
        self.random, self.switches = random, switches
        self.zone, months = random.choice(ZONES)
        self.currency = random.choice(["EUR", "EUR", "JPY", "KWD", "USD"])
        shipped = self.currency != "KWD" and random.random() < 0.3
        self.catalogue = _EXAMPLE if shipped else catalogue(random, self.currency)
        year, month = random.choice(months)
        first = date(year, month, 1) + timedelta(days=random.choice([0, 4, 14, 19, 27, 28, 29, 30, 30]))
        self.beside = self._beside(first)
        self._begin(first)
        self.steps: list[dict[str, Any]] = []
        self.queue: list[dict[str, Any]] = []
        self.waits = [0]
        self.trouble = random.choice([0.0, 0.03, 0.08])
        self.broke_at = self.solvent_at = -1
        self.forgetful = random.random() < 0.5

    def _beside(self, first: date) -> dict[str, Any]:
        """What the story has beside its catalogue, account and steps."""
        switches, found = self.switches, dict[str, Any]()
        products = [
            entry["id"] for shelf in ("plans", "add_ons", "credits") for entry in self.catalogue[shelf]
        ]
        if more := policies(self.random, self.currency, switches):
            if self.random.random() < 0.5:
                found["policies"] = more
            else:
                own = {**self.catalogue.get("policies", {}), **more}
                self.catalogue = {**self.catalogue, "policies": own}
        if switches.discounts and self.random.random() < 0.8:
            found["discounts"] = codes(self.random, self.currency, products, first)
        if switches.tax:
            found["tax"] = tax_table(self.random, first)
        return found

    def _begin(self, day: date) -> None:
        self.opened = self.now = beginning(day, self.zone) + self.random.choice([0, 0, 1, 36_000, DAY - 1])
        account = {"currency": self.currency, "time_zone": self.zone}
        self.books = Books({"account": account, **self.beside}, self.catalogue, self.now)

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
            **self.beside,
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
            {"do": "purchase_plan", **(self._first_part().any_plan(first) or {"product": "gold"})},
            {"do": "pause_plan", "family": first},
            {"do": "purchase_plan", **(self._first_part().any_plan(second) or {"product": "gold"})},
            {"do": "resume_plan", "family": first},
            {"do": "change_plan", **(self._first_part().any_plan(first) or {"product": "gold"})},
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
        own = {} if self._refused_for_good() else {"payment": "declined"}
        self.queue = [again, *[{**again, **own} for _ in range(times)]]
        self.waits = [0, 0, 1, 20_000, 28_800]

    # ---- moments

    def _move_on(self) -> None:
        waits = self.random.choice(self.waits) if self.queue else self._pause_between()
        if self.books.waiting is not None and self.random.random() < 0.9:
            waits = self.random.choice([0, 1, 300, 900, WAIT - 1, WAIT])
        locked = len(self.queue) == 1 and len(self.books.declines) > 4
        if locked and self.random.random() < 0.7:
            waits = max(0, self.books.declines[-1] + DAY + self.random.choice([-1, 0, 0, 1]) - self.now)
        later = self.now + waits
        self.now = max(self.now, min(later, self.opened + SPAN))

    def _pause_between(self) -> int:
        random = self.random
        kind = random.choices(
            ["none", "boundary", "hours", "days", "weeks", "months", "lock", "seconds", "clock"],
            [22, 28 if self.books.method["works"] and not self.books.past_due else 90, 10, 20, 8, 3, 4, 5, 4],
        )[0]
        if kind == "boundary":
            days = [day for day in days_of_note(self.books) if beginning(day, self.zone) > self.now]
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
        waiting = self.books.waiting
        if waiting is not None and self.now < waiting["at"] + WAIT:
            found = while_waiting(self.random, self.books, self.switches)
            return found or {**self._first_part().sensible(), "by": "owner"}
        if self.switches.tax and self.books.profile is None and self.random.random() < 0.6:
            return {"do": "set_tax_profile", **tax_profile(self.random, self.books.today)}
        walked = self.random.random()
        broke = len(self.steps) < self.solvent_at
        works = self.books.method["works"]
        if walked < (0.02 + self.trouble if works else 0.0 if broke else 0.5):
            return self._method(works=not works or self.random.random() < 0.05)
        if walked < 0.06 + self.trouble and (priced := self._first_part().priced()):
            return self._first_part().reprice(priced)
        if self.switches.versions and self.random.random() < 0.12:
            found = later_version(self.random, self.books.shelves, with_collection=self.switches.collection)
            return {"do": "catalog", **found}
        if self.switches and self.random.random() < 0.3:
            choices = second_part(self.random, self.books, self.switches, self.now)
            if choices:
                weights = [weight for weight, _ in choices]
                step = self.random.choices([step for _, step in choices], weights)[0]
                return step if step["do"] == "payment_answer" else {**step, **self._key()}
        step = self._first_part().strange() if self.random.random() < 0.12 else self._first_part().sensible()
        return {**step, **self._circumstances(step)}

    def _first_part(self) -> FirstPart:
        return FirstPart(self.random, self.books, self.switches, self.now, forgetful=self.forgetful)

    def _method(self, *, works: bool) -> dict[str, Any]:
        step: dict[str, Any] = {"do": "payment_method", "works": works}
        if not works and self.switches.methods and self.random.random() < 0.25:
            step["final"] = True
        if works and self.switches.late and self.random.random() < 0.6:
            step["pending"] = True
        return step

    def _refused_for_good(self) -> bool:
        return self.books.method["final"] and not self.books.method["works"]

    def _key(self) -> dict[str, Any]:
        return {"id": self.random.choice("abcd")} if self.random.random() < 0.08 else {}

    def _circumstances(self, step: dict[str, Any]) -> dict[str, Any]:
        random = self.random
        found: dict[str, Any] = {}
        if random.random() < 0.12:
            found["id"] = random.choice("abcd")
        if random.random() < 0.03:
            found["by"] = random.choice(["admin", "manager", "author", "viewer", "guest"])
        if random.random() < 0.05:
            found["confirm"] = random.choice([{"cvv": False}, {"billing": False}, {}])
        if random.random() < 0.05 + self.trouble and not self._refused_for_good():
            found["payment"] = "declined"
        elif self.switches.consent and random.random() < 0.15:
            found["payment"] = "action_required"
        if self.books.codes and step["do"] in _SELL and random.random() < 0.3:
            found["discount"] = random.choice([*self.books.codes, "NONE"])
        if random.random() < 0.06:
            quoted = self._quoted(step) if random.random() < 0.7 else random.choice([0, 1, 484, 1000, 2000])
            found["expected_total"] = written(quoted, self.currency)
        return found

    def _quoted(self, step: dict[str, Any]) -> int:
        """What the step would cost."""
        answer = take(copy.deepcopy(self.books), {**step, "at": ""}, self.now)
        return int(answer["charged"] or 0)
