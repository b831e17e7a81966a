"""Relays in a hurry, for tests that wait for what a relay does by and by."""

from collections.abc import Callable

from publishing.holding import RelaySettings
from publishing.relay import Relay

MakeRelay = Callable[..., Relay]

HURRIED = RelaySettings(
    lease_seconds=1.0, beat_seconds=0.1, idle_seconds=0.0, check_seconds=0.1, commit_seconds=20
)
