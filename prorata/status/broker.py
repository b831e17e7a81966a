"""Ask the broker for the relays' positions, in a thread while the database is asked, and for a limited time.

asked = AskedBroker(settings, seconds=0.6)
...
positions, problem = asked.answer()
"""

from __future__ import annotations

from queue import Empty, SimpleQueue
from threading import Event, Thread
from typing import TypeAlias

from domain.errors import Failure
from prorata.redaction import redacted
from prorata.settings import Settings

Positions: TypeAlias = dict[str, int | None]
"""Stream → the last position that is published; None if none is."""

Answer: TypeAlias = tuple[Positions | None, str | None]
"""The positions and None, or None and a sentence that says why they are unknown."""


class AskedBroker:
    """A request under way. Once the client is loaded, it is given up after `seconds`; its thread ends with
    the process."""

    def __init__(self, settings: Settings, seconds: float) -> None:
        self._seconds = seconds
        self._begun = Event()
        self._answers: SimpleQueue[Answer] = SimpleQueue()
        Thread(target=self._ask, args=[settings], name="asks-broker", daemon=True).start()

    def answer(self) -> Answer:
        """Wait for the answer, within the limit."""
        self._begun.wait()
        try:
            return self._answers.get(timeout=self._seconds)
        except Empty:
            waited = f"no answer within {self._seconds:g} seconds (`--patience` waits longer)"
            return None, f"the broker does not answer: {waited}"

    def _ask(self, settings: Settings) -> None:
        try:
            # Takes a quarter of a second, in which the database is asked.
            import publishing.checkpoints  # noqa: F401
        finally:
            self._begun.set()
        try:
            self._answers.put((_positions(settings, self._seconds), None))
        except Failure as error:  # it answers, with what no relay has written
            self._answers.put((None, redacted(f"how far the relays are is unknown: {error}")))
        except Exception as error:  # noqa: BLE001 - whatever it is, the answer says it
            said = redacted(f"{type(error).__name__}: {error}")
            self._answers.put((None, f"the broker does not answer: {said}"))


def _positions(settings: Settings, seconds: float) -> Positions:
    from publishing.checkpoints import STREAMS, last_positions
    from publishing.topics import Topics

    found = last_positions(settings.broker, Topics(settings.kafka_prefix), list(STREAMS.values()), seconds)
    return {
        name: None if (checkpoint := found[number]) is None else checkpoint.position
        for name, number in STREAMS.items()
    }
