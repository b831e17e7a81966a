"""Random stories of both parts of the rules, in which much is paid, taken back and given up."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from random import Random

import msgspec

from domain.events import Event
from prorata.simulation.run import history_of
from prorata.simulation.scenario import parse_scenario
from tests.reference.catalogues import written
from tests.reference.stories import story
from tests.reference.switches import drawn


@cache
def money_story(seed: int) -> tuple[Event, ...]:
    """The events of a story, at whose end finance gives up what can be given up."""
    random = Random(seed)
    told = story(random, 40, drawn(random))
    for number in range(1, 13):
        told["steps"].append({"at": told["until"], "do": "write_off", "invoice": number})
        paid = written(random.randint(1, 900), told["account"]["currency"])
        told["steps"].append({**told["steps"][-1], "do": "record_payment", "amount": paid})
    return tuple(history_of(parse_scenario(msgspec.json.encode(told), Path(), {})))


HISTORIES = 240
"""As many stories are told by the tests of the books."""


def tell_money_stories() -> None:
    """Have them told, so that whoever forks from here need not tell them."""
    for seed in range(HISTORIES):
        money_story(seed)
