"""Read models do not bloat: a row that changes again and again takes the room of one row."""

from __future__ import annotations

import pytest

from projections.registry import PROJECTIONS
from projections.tables import Connection
from scripts.soak import FEW, Room, rooms, soak

EVENTS = 20_000
PER_ROW = "accounts", "access_accounts", "calendar", "entitlements", "access_windows"


@pytest.fixture
def soaked(owner_url: str, connection: Connection) -> dict[str, Room]:
    """The tables after accounts have lived for years, with vacuum kept away, so that nothing depends on when
    it comes."""
    for projection in PROJECTIONS:
        for table in projection.tables:
            connection.execute(f"alter table projections.{table.name} set (autovacuum_enabled = off)")
    assert list(soak(owner_url, EVENTS, every=EVENTS, page=100)) == [EVENTS]
    return {room.table.removeprefix("projections."): room for room in rooms(connection)}


def test_after_a_thousand_changes_of_accounts_a_row_takes_the_room_of_one(soaked: dict[str, Room]) -> None:
    assert not [room for room in soaked.values() if room.bloated]
    assert soaked["entitlements"].rows > FEW
    assert soaked["access_windows"].rows > FEW


def test_rows_of_accounts_are_changed_in_place(soaked: dict[str, Room]) -> None:
    shares = {name: soaked[name].in_place or 0 for name in PER_ROW if name != "calendar"}
    assert min(shares.values()) > 0.9, shares
