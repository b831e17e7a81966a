"""Lines for `prorata command`, given to a service in memory. Checked for each line:

* nothing is raised, and the answer is one line of JSON, of a kind that the format knows;
* what is not JSON in UTF-8, repeats a field, or holds a text that would forge a line is `invalid`, with code
  and place, and records nothing;
* no answer to what is `invalid` echoes more than a little of the line.
"""

from __future__ import annotations

from copy import deepcopy
from functools import cache
from random import Random
from typing import Any

import msgspec

from domain.texts import escaped
from scripts.fuzz import judging
from scripts.fuzz.judging import Complaints, Fared, Fates, document_of, fault_of_texts
from scripts.fuzz.mutants import Change, changes, field_names, spoilt
from service.commands import AnswerLine
from tests.support.service.world import memory_world

OUTCOMES = {"accepted", "reinstated", "unchanged", "rejected", "invalid"}

_FIELDS: dict[str, dict[str, Any]] = {
    "open_account": {"currency": "EUR", "time_zone": "Europe/Paris"},
    "purchase_plan": {"product": "standard", "tier": "500", "expected_total": "20.00"},
    "change_plan": {"product": "free"},
    "cancel_plan": {"family": "marketing"},
    "pause_plan": {"family": "marketing", "resume_on": "2026-05-01"},
    "resume_plan": {"family": "marketing"},
    "purchase_addon": {"product": "custom_domain"},
    "remove_addon": {"product": "custom_domain"},
    "undo": {"product": "standard"},
    "buy_credits": {"product": "credits_5000"},
    "start_transactional": {"blocks": 2},
    "change_transactional": {"blocks": 3},
    "top_up_transactional": {"blocks": 1},
    "stop_transactional": {},
    "pay_balance": {},
    "close_account": {},
    "payment_method": {"works": True},
    "reprice": {"product": "surveys", "price": "9.00"},
    "set_tax_profile": {
        "country": "FR",
        "kind": "business",
        "region": "QC",
        "vat_id": "confirmed",
        "details": 1,
    },
    "grant_discount": {"percent": "12.5", "for": 2, "products": ["standard"], "last_day": "2026-09-30"},
    "withdraw_discount": {"discount": "D1"},
    "credit_note": {
        "invoice": 1,
        "reason": "other",
        "line": 1,
        "net": "1.00",
        "to": "account",
        "ticket": "T-1",
    },
    "reissue": {"invoice": 1, "to": "account"},
    "write_off": {"invoice": 1},
    "record_payment": {"amount": "5.00", "invoice": 1, "received_on": "2026-04-01", "reference": "R-1"},
    "pay_out": {"amount": "1.00"},
    "stop_tries": {"invoice": 1},
    "set_payment_method": {"token": "tok"},
    "abandon_payment": {},
    "dispute_opened": {"invoice": 1},
    "dispute_won": {"invoice": 1},
    "dispute_lost": {"invoice": 2},
    "catalog": {"withdrawn": ["inbox_preview"], "policies": {"tier_upgrade": "by_days"}},
}

_FORGING = ("\n", "\x1b[2J", "\u202e", "\u2028", "\x00", "\ufeff")


def judged(seeds: tuple[int, int]) -> tuple[Fates, Complaints]:
    """Make and give the lines of the seeds `[first, last)`, all to one service."""
    world = memory_world()
    world.open("a1")
    world.open("w", at=None)

    def fared(seed: int) -> Fared:
        line = mutant(seed)
        before = world.log.last_position()
        session = world.on_test_clock if seed % 3 else world.on_wall_clock
        answer = session.answer_line(line)
        return Fared(answer.outcome, complaint(line, answer, recorded=world.log.last_position() > before))

    return judging.judged(seeds, fared)


def mutant(seed: int) -> bytes:
    """A mutated line: a command with fields of every kind, changed."""
    random = Random(seed)  # noqa: S311 - must be repeatable, not secret
    do = random.choice(list(_FIELDS))
    line = {
        "do": do,
        "account": random.choice(["a1", "a1", "w", f"n{seed}"]),
        "at": "2026-04-05T18:30",
        **deepcopy(_FIELDS[do]),
    }
    if seed % 3 == 0:
        del line["at"]
    more: dict[str, Any] = {
        "id": "c1",
        "by": random.choice(["owner", "owner", "finance", "support"]),
        "actor": "u-1",
        "confirm": {"cvv": seed % 3 != 0 or "tok", "billing": True},
    }
    line |= {name: deepcopy(value) for name, value in more.items() if random.random() < 0.4}
    if random.random() < 0.2:
        name = random.choice([name for name, value in line.items() if isinstance(value, str)])
        line[name] = f"{line[name]}{random.choice(_FORGING)}x"
    return spoilt(random, line, _changes()) if random.random() < 0.8 else msgspec.json.encode(line)


@cache
def _changes() -> list[Change]:
    return changes(
        [*field_names(list(_FIELDS.values())), "account", "id", "confirm", "preview", "payment", "discount"]
    )


def complaint(line: bytes, answer: AnswerLine, *, recorded: bool) -> str | None:
    """What is wrong with the answer; None if nothing is."""
    encoded = msgspec.json.encode(answer)
    shown = escaped(encoded.decode())
    if answer.outcome not in OUTCOMES or msgspec.json.decode(shown) != msgspec.json.decode(encoded):
        return f"answered with what is no answer: {shown[:300]}"
    fault = fault_of(line)
    if answer.outcome == "invalid":
        if not (answer.code and answer.message and str(answer.place).startswith("$")):
            return f"invalid without code, message or place: {shown[:300]}"
        if recorded or len(shown) > 2_000:
            return f"invalid, and recorded or echoed: {shown[:300]}"
        return None
    return None if fault is None else f"taken, though {fault}"


def fault_of(line: bytes) -> str | None:
    """Why the line must be refused, whatever command it is; None if it need not be."""
    try:
        document = document_of(line)
    except (ValueError, RecursionError) as error:
        return f"{type(error).__name__}: {error}"
    return fault_of_texts(document)
