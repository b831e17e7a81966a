"""Check that the triggers and indexes that protect the log's table are still there."""

from __future__ import annotations

from typing import Any, Final

import psycopg

# Enabled as "always", so that they also fire in sessions that replay a replication stream.
_TRIGGERS: Final = """
    select 'table ' || guarded || ' has no trigger append_only that is always enabled'
    from unnest(array['events', 'log']) guarded
    where not exists (
        select from pg_trigger
        where tgrelid = ('public.' || guarded)::regclass and tgname = 'append_only' and tgenabled = 'A'
            and tgfoid = 'public.refuse_change'::regproc
    )
"""

# These refuse a second row with the same position or version; `verify` relies on them and does not look for
# one.
_INDEXES: Final = """
    select 'table events has no valid unique index on ' || guarded
    from unnest(array['account_id,version', 'position']) guarded
    where not exists (
        select from pg_index
        where indrelid = 'public.events'::regclass and indisunique and indisvalid and indpred is null
            and guarded = (
                select string_agg(attname, ',' order by nth)
                from unnest(indkey) with ordinality as column_of_index (number, nth)
                join pg_attribute on attrelid = indrelid and attnum = number
            )
    )
"""


def missing_guards(connection: psycopg.Connection[Any]) -> list[str]:
    """A sentence for each missing guard: what it refuses may have happened unnoticed."""
    statement = f"{_TRIGGERS} union all {_INDEXES}"
    return [sentence for (sentence,) in connection.execute(statement).fetchall()]
