"""What every long-running command does around its work: it stops on a signal, announces itself, and serves
its health if a port is given.

    with at_work(settings, "relay", health) as process:
        run_relay(..., stop=process.stop)
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from prorata.processes.announcing import Announcement
from prorata.processes.stopping import StopSignal, stopping
from prorata.settings import Settings


class AnnouncedProcess(Announcement):
    """An announced process, with the signal that ends it."""

    def __init__(self, settings: Settings, name: str) -> None:
        self.stop = stopping()
        super().__init__(settings.database_url, name, self.stop)


@contextmanager
def at_work(
    settings: Settings, name: str, health: int | None = None, *, goes_on: bool = True
) -> Iterator[AnnouncedProcess]:
    """Announce the process under this name, and serve its health at the port, if there is one.

    A process that does not run until it is stopped (`goes_on` False, as with `--once`) does neither.
    """
    process = AnnouncedProcess(settings, name)
    with ExitStack() as stack:
        if goes_on:
            offer_health(stack, settings, name, process.stop, health)
            stack.enter_context(process)
        yield process


def offer_health(
    stack: ExitStack, settings: Settings, name: str, stop: StopSignal, health: int | None
) -> None:
    """Serve the health at the port of the option or the setting, if there is one, until the stack is
    closed."""
    port = settings.health_port if health is None else health
    if port is not None:
        from prorata.processes.health import Health, served
        from prorata.processes.readiness import problems

        answered = Health(name, stop, lambda: problems(settings, name))
        stack.enter_context(served(answered, settings.listen, port))
