"""Lanes: ranges of adjacent shards of the log; a projection follows each lane independently.

    lane_of("acme/a-1")         # 5
    shards_of(range(4, 6))      # range(32, 48): what a reader of lanes 4 and 5 asks the log for

An account never changes its lane, so lanes never wait for one another, and processes may share them out.
"""

from __future__ import annotations

from typing import Final

from eventlog import SHARDS, shard_of

LANES: Final = 8
"""The most workers that can share the log. To change it, migrate the checkpoints."""

ALL_LANES: Final = range(LANES)

_SHARDS_IN_A_LANE: Final = SHARDS // LANES


def lane_of(account_id: str) -> int:
    """The lane of the account, 0 to LANES - 1."""
    return shard_of(account_id) // _SHARDS_IN_A_LANE


def shards_of(lanes: range) -> range:
    """The shards of these adjacent lanes."""
    return range(lanes.start * _SHARDS_IN_A_LANE, lanes.stop * _SHARDS_IN_A_LANE)
