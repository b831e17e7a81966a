"""Positions only ever rise, but a restore or a `setval` can put their sequence behind the log's end.

Readers go on from the highest position that they have seen, so an event below it would be accepted, and paid
for, and nobody would be told. Appends are refused instead, and reading goes on.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from eventlog.errors import SequenceBehind
from eventlog.postgres.connect import Connection

# In this order: the statement's snapshot is older than the sequence, which is read as it is now, so appends
# that commit meanwhile are no alarm.
_ENDS: Final = """
    select (select coalesce(max(position), 0) from public.events),
        coalesce(pg_sequence_last_value('public.events_position'), 0),
        has_sequence_privilege('public.events_position', 'select, usage')
"""


def sequence_behind(connection: Connection) -> SequenceBehind | None:
    """What is wrong with the sequence, if anything is."""
    highest, handed_out = _ends(connection)
    return SequenceBehind(handed_out, highest) if handed_out < highest else None


class Positions:
    """What one process knows of the positions handed out; its threads share it.

    Another process's appends may have been higher than any seen here: only what was seen is compared, and
    each new connection looks at the log again.
    """

    def __init__(self) -> None:
        self._highest = 0
        self._behind = False

    @property
    def behind(self) -> bool:
        """Whether appends are refused."""
        return self._behind

    def look(self, connection: Connection) -> None:
        """Compare the sequence with the log."""
        highest, handed_out = _ends(connection)
        self._highest, self._behind = highest, handed_out < highest

    def before_append(self, connection: Connection) -> int:
        """What `after_append` is to be given. Raises SequenceBehind, until the sequence was mended."""
        if self._behind:
            self.look(connection)
            if found := sequence_behind(connection):
                raise found
        return self._highest

    def expected(self) -> int:
        """The same where `behind` was asked before."""
        return self._highest

    def after_append(self, before: int, positions: Iterable[int]) -> None:
        """Raise SequenceBehind where an append that began after `before` was seen got a lower position.

        It is stored then, and whoever repeats it once the sequence was mended is told so.
        """
        given = list(positions)
        if not given:
            return
        if min(given) <= before:
            self._behind = True
            raise SequenceBehind(min(given), before)
        self._highest = max(self._highest, *given)


def _ends(connection: Connection) -> tuple[int, int]:
    """The highest position in the log, and the last one handed out, as far as this role may know."""
    [[highest, handed_out, may_look]] = connection.execute(_ENDS).fetchall()
    return int(highest), int(handed_out if may_look else highest)
