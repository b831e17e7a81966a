"""Books of a story that a test tells in a few steps."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from consumers.finance_ledger.postings import post
from domain.events import Event
from prorata.simulation.run import history_of
from prorata.simulation.scenario import parse_scenario
from tests.support.consumers.memory_shelf import MemoryShelf, published

ACCOUNT = "acme/a-1"
_CATALOG = Path(__file__).parent.parent.parent / "scenarios" / "catalog.json"


def step(at: str, do: str, **fields: Any) -> dict[str, Any]:
    """A step of a story."""
    return {"at": at, "do": do, **fields}


def events_of(*steps: dict[str, Any], until: str, **beside: Any) -> Sequence[Event]:
    """The events of an account in Paris with the shipped catalogue. `beside`: taxes, discounts, policies."""
    story = {
        "name": "a story",
        "catalog": json.loads(_CATALOG.read_text(encoding="utf-8")),
        "account": {"currency": "EUR", "time_zone": "Europe/Paris"},
        "steps": steps,
        "until": until,
        **beside,
    }
    return history_of(parse_scenario(msgspec.json.encode(story), _CATALOG.parent, {}))


class ToldBooks:
    """The books after these events. `together`: whether one event is seen with the next one in a batch."""

    def __init__(self, events: Sequence[Event], *, together: bool = True) -> None:
        self.shelf = MemoryShelf()
        self.take(events, together=together)

    def take(self, events: Sequence[Event], *, together: bool = True) -> None:
        """Book these events too."""
        followers = [*events[1:], None] if together else [None] * len(events)
        for message, event, following in zip(published(ACCOUNT, events), events, followers, strict=True):
            post(self.shelf, message, event, following)

    def earned_through(self, day: str) -> dict[str, str]:
        """The balances, debits minus credits, once what was earned up to that day is recognised."""
        self.shelf.recognise(date.fromisoformat(day))
        return self.balances()

    def balances(self) -> dict[str, str]:
        """The balances, debits minus credits; those that are 0.00 left out."""
        assert sum(self.shelf.balances.values()) == 0
        return {name: str(amount) for name, amount in sorted(self.shelf.balances.items()) if amount}

    def of(self, *kinds: str) -> list[tuple[str, str, str, str]]:
        """The entries of these kinds: day, debit, credit, amount."""
        return [
            (str(t.effective), t.debit, t.credit, str(t.amount))
            for t in self.shelf.transfers
            if t.kind in kinds
        ]

    def earns(self, day: str) -> Decimal:
        """What that day earns, by the schedules."""
        wanted = date.fromisoformat(day)
        lines = [line for lines in self.shelf.booked_lines.values() for line in lines]
        return sum(
            [
                piece.earned(date.fromordinal(wanted.toordinal() + 1)) - piece.earned(wanted)
                for line in lines
                for piece in line.pieces
            ],
            Decimal(0),
        )
