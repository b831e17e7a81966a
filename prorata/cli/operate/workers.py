"""`prorata relay`, `consume` and `replay`. The first two run until they are stopped; with --once they do what
there is to do, and end."""

from __future__ import annotations

import gc
import os
import sys
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter, validators

from domain.errors import InvalidInput
from prorata.settings import NO_PREFIX, Settings, is_prefix

if TYPE_CHECKING:
    from collections.abc import Mapping

    from eventlog import EventLog

Once = Annotated[bool, Parameter(negative="", help="Do what is there, then end.")]

Health = Annotated[
    int | None,
    Parameter(
        help="Port for /healthz and /readyz; default: PRORATA_HEALTH_PORT, else none.",
        validator=validators.Number(gte=1, lte=65535),
    ),
]

ConsumerName = Annotated[str, Parameter(help="entitlement_cache or finance_ledger.")]


def relay(
    *,
    once: Once = False,
    from_: Annotated[
        int | None,
        Parameter(name="--from", help="First say that events up to this position are published, 0: none."),
    ] = None,
    republish_to: Annotated[
        str | None, Parameter(help="Publish all of the log anew, under this prefix, such as v2.")
    ] = None,
    mend: Annotated[
        bool,
        Parameter(negative="", help="Only send what the topics lack, and what is not as the log says."),
    ] = False,
    refresh: Annotated[
        str | None, Parameter(help="Only send what differs in this state topic, such as billing.invoices.v1.")
    ] = None,
    health: Health = None,
) -> int:
    """Publish the log's events and the state topics to Kafka, each event exactly once.

    After `--republish-to PREFIX` let readers use it too: PRORATA_KAFKA_PREFIX.
    """
    from prorata.processes.running import at_work
    from prorata.wiring import opened_log
    from publishing.holding import RelaySettings
    from publishing.mending import take_up
    from publishing.relay import RelayProgress, run_relay
    from publishing.watchdog import leave

    settings = Settings.of()
    prefix = settings.kafka_prefix if republish_to is None else _beside(republish_to, settings.kafka_prefix)
    name = "relay" if republish_to is None else f"relay:{prefix}"
    published: dict[str, int] = {}
    positions: dict[str, int] = {}

    def report(progress: RelayProgress) -> None:
        published[progress.stream] = published.get(progress.stream, 0) + progress.events
        positions[progress.stream] = progress.position

    goes_on = not once and not mend and refresh is None
    with at_work(settings, name, health, goes_on=goes_on) as process, opened_log(settings) as log:
        if mend:
            return _mend(log, settings, prefix)
        if refresh is not None:
            return _refresh(log, settings, refresh, prefix)
        if from_ is not None:
            take_up(log, settings.broker, settings.database_url, from_, prefix)
        process.doing = lambda: _published_up_to(positions)
        gc.freeze()  # exclude imports from garbage collection: a full one pauses every stream for 50 ms
        run_relay(
            log,
            settings.broker,
            settings.database_url,
            prefix=prefix,
            once=once,
            stop=None if once else process.stop,
            report=report,
            settings=RelaySettings(clock_limit=settings.clock_limit),
            on_hang=leave if once else _begin_anew,
        )
    done = ", ".join(f"{stream}: {events} events" for stream, events in sorted(published.items()))
    print(done or "nothing to publish")
    return 0


def _published_up_to(positions: Mapping[str, int]) -> str:
    """What a relay does, such as "published up to 4711 (events), 4710 (state)"."""
    said = ", ".join(f"{position} ({stream})" for stream, position in sorted(positions.items()))
    return f"published up to {said}" if said else "waits for its turn"


def _mend(log: EventLog, settings: Settings, prefix: str) -> int:
    from publishing.mending import mend

    done = mend(log, settings.broker, settings.database_url, prefix)
    print(f"{done.events} events and {done.states} states sent; published up to position {done.position}")
    return 0


def _beside(given: str, now: str) -> str:
    """The prefix for the new topics, with a dot at its end (`v2` becomes `v2.`); it must differ from the
    present one."""
    from publishing.topics import Topics

    prefix = given if given.endswith((".", "-", "_")) else f"{given}."
    problem = None
    if not is_prefix(prefix) or len(prefix) < 2:
        problem = NO_PREFIX
    elif prefix == now:
        problem = "is what the topics are published under now"
    elif any(given.startswith(topic.base.rpartition(".")[0]) for topic in Topics().all):
        problem = "names a topic: give what goes before the names of all topics, such as v2."
    if problem is not None:
        raise InvalidInput("prefix_unusable", "--republish-to", f"{given!r} {problem}")
    return prefix


def _refresh(log: EventLog, settings: Settings, topic: str, prefix: str) -> int:
    from publishing.mending import refresh

    try:
        sent = refresh(log, settings.broker, settings.database_url, topic, prefix)
    except KeyError:
        raise InvalidInput("unknown_topic", "--refresh", f"{topic!r} is no state topic") from None
    print(f"{topic}: {sent} states were not what they should be, and are sent")
    return 0


def _begin_anew() -> None:
    """Replace this process by a new one of the same command: a thread that hangs cannot be stopped."""
    print("prorata: a Kafka transaction hung: the relay begins anew", file=sys.stderr, flush=True)
    # As it was started: by its file alone the modules beside that would be found before the standard library.
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 - ourselves


def consume(
    consumer: ConsumerName,
    *,
    once: Once = False,
    health: Health = None,
) -> int:
    """Run a consumer: each record's effect exactly once, in its own schema."""
    from consumers.registry import handler_named
    from consumers.runtime import Consumer
    from prorata.processes.running import at_work

    settings = Settings.of()
    handler = handler_named(consumer)
    runtime = Consumer(handler, settings.database_url, settings.broker, prefix=settings.kafka_prefix)
    if once:
        runtime.run_once()
        return 0
    with at_work(settings, f"consume:{consumer}", health) as process:
        process.doing = lambda: "takes in what is published"
        runtime.run(process.stop)
    return 0


def replay(
    consumer: ConsumerName,
    *,
    swap: Annotated[
        bool, Parameter(negative="--no-swap", help="Put the replayed tables in the live ones' place.")
    ] = True,
    discard: Annotated[
        bool,
        Parameter(negative="", help="Only drop the tables that replays have replaced or left unfinished."),
    ] = False,
) -> int:
    """Read the topics from their beginning into empty tables beside the live ones, which go on meanwhile.

    What an earlier replay has read is kept; the tables replaced are kept as CONSUMER_before.
    """
    from consumers.registry import handler_named
    from consumers.replay import Replay

    if discard and not swap:
        raise InvalidInput("usage", "--discard", "it replays nothing, so it takes no other option")
    settings = Settings.of()
    handler = handler_named(consumer)
    replayed = Replay(handler, settings.database_url, settings.broker, prefix=settings.kafka_prefix)
    if discard:
        print("\n".join(replayed.discard()) or "nothing to drop")
        return 0
    replayed.run()
    if swap:
        replayed.swap()
    print(f"{consumer} is replayed" + ("" if swap else f" into {consumer}_next: nothing was swapped"))
    return 0
