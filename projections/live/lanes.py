"""Lanes: the log's shards in spans of neighbours, each of which a projection follows by itself.

    lane_of("acme/a-1")         # 5
    shards_of(range(4, 6))      # range(32, 48): what a reader of lanes 4 and 5 asks the log for

An account is in one lane for ever, so lanes never wait for one another, and processes may share them out.
"""

from __future__ import annotations

from typing import Final

from eventlog import SHARDS, shard_of

LANES: Final = 8
"""At most so many workers share the log. Another number takes a migration of the checkpoints."""

ALL_LANES: Final = range(LANES)

_SHARDS_IN_A_LANE: Final = SHARDS // LANES


def lane_of(account_id: str) -> int:
    """The lane in which the account's rows are made, 0 to 7."""
    return shard_of(account_id) // _SHARDS_IN_A_LANE


def shards_of(lanes: range) -> range:
    """The shards of neighbouring lanes."""
    return range(lanes.start * _SHARDS_IN_A_LANE, lanes.stop * _SHARDS_IN_A_LANE)
