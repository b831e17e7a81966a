"""The order of states: of each key the newest one taken in, by version of the fold and then by revision."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from consumers.checkpoints import Connection

_TAKE: Final = """
    insert into consumers.revisions as held (consumer, topic, key, fold, revision)
    select %(consumer)s, %(topic)s, new.*
    from unnest(%(keys)s::bytea[], %(folds)s::integer[], %(revisions)s::bigint[]) new
    on conflict (consumer, topic, key) do update
    set fold = excluded.fold, revision = excluded.revision
    where (held.fold, held.revision) <= (excluded.fold, excluded.revision)
    returning key
"""


def take(
    connection: Connection, consumer: str, topic: str, states: Sequence[tuple[bytes, tuple[int, int]]]
) -> set[bytes]:
    """The keys whose new state is not lower than the one held, and remember it; a key stands there once."""
    if not states:
        return set()
    bound = {
        "consumer": consumer,
        "topic": topic,
        "keys": [key for key, _ in states],
        "folds": [fold for _, (fold, _) in states],
        "revisions": [revision for _, (_, revision) in states],
    }
    return {bytes(key) for (key,) in connection.execute(_TAKE, bound)}
