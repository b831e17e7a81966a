"""Shares of the lanes."""

import pytest

from projections.live.lane_shares import share
from projections.live.lanes import ALL_LANES, LANES


@pytest.mark.parametrize("workers", range(1, 12))
def test_each_lane_is_in_one_share_and_none_is_bigger_than_another_by_two(workers: int) -> None:
    shares = [share(nth, workers) for nth in range(workers)]
    assert [lane for lanes in shares for lane in lanes] == list(ALL_LANES)
    assert {len(lanes) for lanes in shares} <= {LANES // workers, LANES // workers + 1}
