"""One account that everybody buys for at once: its callers wait for each other in order, and lose nothing by
it."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator
from itertools import count

from prorata.settings import Settings
from scripts.bench import scratch as places
from scripts.bench.commands import with_waits
from scripts.bench.measured import Measured, against, in_turns
from scripts.bench.purchasing import Bought, Load, load_catalogue, run
from service.gateways.memory import MemoryTestGateway


def hot(*, callers: int, seconds: float, rounds: int) -> Iterator[Measured]:
    """Yield a line for the rate of many callers beside one, and one for p99 beside p50 of theirs."""
    with places.database(Settings.of().database_url) as url:
        load_catalogue(url)
        turns = count()

        def bought(callers: int) -> Bought:
            load = Load(callers, seconds, hot=True)
            return run(url, load, turn=f"{next(turns)}", gateway=MemoryTestGateway())

        sides: dict[str, Callable[[], Bought]] = {"one": lambda: bought(1), "many": lambda: bought(callers)}
        found = in_turns(sides, rounds)
        about = {"callers": callers, "seconds a round": seconds, "a commit alone, ms": places.commit_ms(url)}
    rates = {side: [each.rate for each in of_side] for side, of_side in found.items()}
    line = against("hot account", "commands/s", rates["many"], rates["one"], peer_is="1 caller", about=about)
    yield with_waits(line, found["many"])
    p50, p99 = [each.p50 for each in found["many"]], [each.p99 for each in found["many"]]
    about["p99 to p50"] = round(statistics.median(p99) / statistics.median(p50), 2)
    waits = against("hot account p99", "ms", p99, p50, peer_is="p50", lower_is_better=True, about=about)
    yield with_waits(waits, found["many"])
