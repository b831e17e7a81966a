"""Accounts spread over a fixed number of shards, so that several processes can each fold a part of them."""

from zlib import crc32

SHARDS = 64
"""How many shards there are. It never changes: every stored event carries its shard."""


def shard_of(account_id: str) -> int:
    """The account's shard, 0 to 63: CRC-32 of its UTF-8 bytes modulo SHARDS; the same everywhere."""
    return crc32(account_id.encode()) % SHARDS


def neighbours(shards: range | None) -> range:
    """The shards that a reader asked for, all of them if it named none; ValueError for a range with gaps."""
    wanted = range(SHARDS) if shards is None else shards
    if wanted.step != 1 or not wanted:
        raise ValueError(f"shards is a range of neighbours, not {wanted}")
    return wanted
