"""What every long-running command does around its work: it ends when asked to, announces itself, and offers
its health where that is wanted.

    with at_work(settings, "relay", health) as process:
        run_relay(..., stop=process.stop)
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from prorata.processes.announcing import Announcement
from prorata.processes.stopping import StopSignal, stopping
from prorata.settings import Settings


class Process(Announcement):
    """A process at work, with the signal that ends it."""

    def __init__(self, settings: Settings, name: str) -> None:
        self.stop = stopping()
        super().__init__(settings.database_url, name, self.stop)


@contextmanager
def at_work(
    settings: Settings, name: str, health: int | None = None, *, goes_on: bool = True
) -> Iterator[Process]:
    """The process, which is announced under that name, and answers at the port of its health, if any.

    What does not go on until it is stopped (`--once`) does neither.
    """
    process = Process(settings, name)
    with ExitStack() as stack:
        if goes_on:
            offer_health(stack, settings, name, process.stop, health)
            stack.enter_context(process)
        yield process


def offer_health(
    stack: ExitStack, settings: Settings, name: str, stop: StopSignal, health: int | None
) -> None:
    """Answer at the port that the option or the setting names, if one does, until the stack ends."""
    port = settings.health_port if health is None else health
    if port is not None:
        from prorata.processes.health import Health, served
        from prorata.processes.readiness import problems

        answered = Health(name, stop, lambda: problems(settings, name))
        stack.enter_context(served(answered, settings.listen, port))
