"""The shard of an account is written into every row: it is the same for ever."""

from hypothesis import given
from hypothesis import strategies as st

from eventlog import SHARDS, shard_of

KNOWN = {"acme/a-1": 39, "acme/a-2": 29, "Zoë/ä": 38, "t/0001": 25}


def test_shards_of_known_accounts_never_change() -> None:
    assert SHARDS == 64
    assert {account_id: shard_of(account_id) for account_id in KNOWN} == KNOWN


@given(st.text(st.characters(codec="utf-8")))
def test_every_account_has_a_shard(account_id: str) -> None:
    assert 0 <= shard_of(account_id) < SHARDS


def test_accounts_spread_over_all_shards() -> None:
    sizes = [0] * SHARDS
    for nth in range(64_000):
        sizes[shard_of(f"acme/account-{nth}")] += 1
    assert min(sizes) > 800
    assert max(sizes) < 1_200
