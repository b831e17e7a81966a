"""What replays leave beside a consumer's tables: those read so far (`CONSUMER_next`), and those that a replay
has replaced (`CONSUMER_before`). Both have rows of checkpoints of their own, and neither is a consumer.

    for leftover in leftovers(connection):
        leftover.name, leftover.unfinished, leftover.running
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from psycopg.rows import class_row

if TYPE_CHECKING:
    from consumers.checkpoints import Connection

NEXT: Final = "_next"
BEFORE: Final = "_before"


@dataclass(frozen=True)
class Leftover:
    """Tables of a replay. `unfinished`: they have not taken the live ones' place; `running`: a replay reads
    into them now."""

    name: str
    running: bool

    @property
    def unfinished(self) -> bool:
        return self.name.endswith(NEXT)

    @property
    def consumer(self) -> str:
        """Whose tables they are."""
        return self.name.removesuffix(NEXT).removesuffix(BEFORE)


# A schema of that name is a replay's if what it is named after has migrations or checkpoints.
_LEFTOVERS: Final = """
    with named as (
        select nspname::text collate "C" as name, regexp_replace(nspname, '_(next|before)$', '') as base
        from pg_namespace
        union
        select distinct consumer, regexp_replace(consumer, '_(next|before)$', '') from consumers.partitions
    )
    select named.name, exists (
        select from consumers.partitions reading
        where reading.consumer = named.name and reading.claimed_until > clock_timestamp()
    ) as running
    from named
    where named.name ~ '_(next|before)$' and (
        exists (select from public.migrations known where known.source = named.base)
        or exists (select from consumers.partitions known where known.consumer in (named.name, named.base))
    )
    order by named.name
"""


def leftovers(connection: Connection) -> list[Leftover]:
    """Those of every consumer, by name."""
    with connection.cursor(row_factory=class_row(Leftover)) as cursor:
        return cursor.execute(_LEFTOVERS).fetchall()
