"""Detect a sequence of positions that a restore or a `setval` has put behind the log's end.

Readers continue from the highest position that they have seen, so they would never see an event below it.
Appends are refused instead; reading goes on.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from eventlog.errors import SequenceBehind
from eventlog.postgres.connect import Connection

# The log is read in the statement's snapshot, the sequence as it is now, so appends that commit meanwhile
# raise no alarm.
_ENDS: Final = """
    select (select coalesce(max(position), 0) from public.events),
        coalesce(pg_sequence_last_value('public.events_position'), 0),
        has_sequence_privilege('public.events_position', 'select, usage')
"""


def sequence_behind(connection: Connection) -> SequenceBehind | None:
    """The error if the sequence is behind the log's end, else None."""
    highest, handed_out = _ends(connection)
    return SequenceBehind(handed_out, highest) if handed_out < highest else None


class Positions:
    """The highest position that this process has seen; its threads share it.

    Other processes may have appended above it unseen: only what was seen is compared, and each new connection
    looks at the log again.
    """

    def __init__(self) -> None:
        self._highest = 0
        self._behind = False

    @property
    def behind(self) -> bool:
        """Whether appends are refused."""
        return self._behind

    def look(self, connection: Connection) -> None:
        """Compare the sequence with the log's end."""
        highest, handed_out = _ends(connection)
        self._highest, self._behind = highest, handed_out < highest

    def before_append(self, connection: Connection) -> int:
        """The value to pass to `after_append`. Raises SequenceBehind until the sequence is mended."""
        if self._behind:
            self.look(connection)
            if found := sequence_behind(connection):
                raise found
        return self._highest

    def expected(self) -> int:
        """The value to pass to `after_append`, without a look at the log; the caller has checked `behind`."""
        return self._highest

    def after_append(self, before: int, positions: Iterable[int]) -> None:
        """Raise SequenceBehind if an append got a position that is not above `before`, seen before it began.

        The append is stored; repeating it once the sequence is mended returns it.
        """
        given = list(positions)
        if not given:
            return
        if min(given) <= before:
            self._behind = True
            raise SequenceBehind(min(given), before)
        self._highest = max(self._highest, *given)


def _ends(connection: Connection) -> tuple[int, int]:
    """The highest position in the log, and the last one handed out; equal if this role may not read the
    sequence."""
    [[highest, handed_out, may_look]] = connection.execute(_ENDS).fetchall()
    return int(highest), int(handed_out if may_look else highest)
