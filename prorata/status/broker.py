"""The relays' positions, asked of the broker in a thread while the database is asked, and for a limited time.

asked = AskedBroker(settings, seconds=0.6)
...
positions, problem = asked.answer()
"""

from __future__ import annotations

from queue import Empty, SimpleQueue
from threading import Event, Thread
from typing import TypeAlias

from prorata.settings import Settings

Positions: TypeAlias = dict[str, int | None]
"""By stream, the last position that is published; None: none is."""

Answer: TypeAlias = tuple[Positions | None, str | None]
"""The positions, or None and why there are none."""


class AskedBroker:
    """A question under way. An answer that does not come within `seconds`, once its client is loaded, is not
    waited for: the thread ends with the process."""

    def __init__(self, settings: Settings, seconds: float) -> None:
        self._seconds = seconds
        self._begun = Event()
        self._answers: SimpleQueue[Answer] = SimpleQueue()
        Thread(target=self._ask, args=[settings], name="asks-broker", daemon=True).start()

    def answer(self) -> Answer:
        """Wait for it, not longer than that."""
        self._begun.wait()
        try:
            return self._answers.get(timeout=self._seconds)
        except Empty:
            return None, f"no answer within {self._seconds:g} seconds (`--patience` waits longer)"

    def _ask(self, settings: Settings) -> None:
        try:
            import publishing.checkpoints  # noqa: F401 - takes a quarter of a second, in which the database is asked
        finally:
            self._begun.set()
        try:
            self._answers.put((_positions(settings, self._seconds), None))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is said: nothing is known then
            self._answers.put((None, f"{type(error).__name__}: {error}"))


def _positions(settings: Settings, seconds: float) -> Positions:
    from publishing.checkpoints import STREAMS, last_positions
    from publishing.topics import Topics

    found = last_positions(settings.kafka, Topics(settings.kafka_prefix), list(STREAMS.values()), seconds)
    return {
        name: None if (checkpoint := found[number]) is None else checkpoint.position
        for name, number in STREAMS.items()
    }
