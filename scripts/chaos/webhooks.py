"""Webhooks under faults: who is told, how the queues are emptied at the end, and what must have come."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from typing import Final

from consumers.webhooks import endpoints
from consumers.webhooks.addresses import Addresses, networks_in
from consumers.webhooks.endpoints import NewEndpoint
from eventlog import StoredEvent
from eventlog.postgres.connect import connect
from scripts.chaos.journal import Entry, Told
from scripts.chaos.system import System
from scripts.chaos.victims import ProcessVictim
from scripts.servers.processes import free_port

NETWORKS: Final = "127.0.0.0/8"
WANTED: Final[Mapping[str, tuple[str, ...]]] = {
    "/all": (),
    "/some": ("plan_purchased", "cycles_renewed", "addon_purchased"),
}
"""Path of the endpoint → the types of events that it wants; empty: all."""

_EMPTY_WITHIN: Final = 150.0
"""Seconds: a sender that was killed holds its queues for a minute."""


class Webhooks:
    """Endpoints of the tenant at a receiver, and the processes that tell it."""

    def __init__(self, system: System, tenant: str) -> None:
        self._system, self._tenant, port = system, tenant, free_port()
        self.receiver: ProcessVictim = system.process(
            "receiver", "scripts.chaos.receiving", str(port), system.journal("received")
        )
        addresses = Addresses(networks_in(NETWORKS, "chaos"))
        with closing(connect(system.url, "chaos")) as connection:
            for path, types in WANTED.items():
                wanted = NewEndpoint(tenant, f"http://127.0.0.1:{port}{path}", types)
                endpoints.create(connection, wanted, addresses)

    def processes(self) -> list[ProcessVictim]:
        """All of them."""
        return [
            self.receiver,
            self._system.process("hooks one", "prorata", "consume", "webhooks"),
            self._system.process("sender one", "prorata", "webhooks", "send"),
            self._system.process("sender two", "prorata", "webhooks", "send"),
        ]

    def come_to_rest(self) -> list[str]:
        """Tell everything that waits; return what could not be told."""
        code = self._system.run_alone("prorata", "consume", "webhooks", "--once")
        if code != 0:
            return [f"`prorata consume webhooks --once` ended with {code}"]
        self.receiver.start()
        deadline = time.monotonic() + _EMPTY_WITHIN
        try:
            while waiting := self._waiting():
                code = self._system.run_alone("prorata", "webhooks", "send", "--once")
                if code != 0:
                    return [f"`prorata webhooks send --once` ended with {code}"]
                if time.monotonic() > deadline:
                    return [f"webhooks: {waiting} accounts wait still"]
        finally:
            self.receiver.stop()
        return []

    def _waiting(self) -> int:
        """Accounts that wait at an endpoint; none for longer than it takes to send."""
        with closing(connect(self._system.url, "chaos")) as connection:
            found = endpoints.found(connection, self._tenant)
            return sum(endpoints.resume(connection, self._tenant, one.id).waiting for one in found)


def webhook_problems(rows: Sequence[StoredEvent], entries: Sequence[Entry], tenant: str) -> Iterator[str]:
    """Check that each endpoint was told of every event that it wants, of each account in order, at least
    once, each naming the one before it."""
    told = [entry for entry in entries if isinstance(entry, Told)]
    for path, types in WANTED.items():
        wanted: dict[str, list[Told]] = defaultdict(list)
        for row in rows:
            if row.account_id.startswith(f"{tenant}/") and (not types or row.type in types):
                before = wanted[row.account_id]
                previous = before[-1].version if before else None
                before.append(Told(path, "", row.account_id, row.version, previous, row.position))
        came: dict[str, list[Told]] = defaultdict(list)
        for one in told:
            if one.path == path:
                came[one.subject].append(one)
        for account in sorted(wanted.keys() | came.keys()):
            yield from _of_account(f"webhooks {path}, {account}", wanted[account], came[account])


def _of_account(where: str, wanted: Sequence[Told], came: Sequence[Told]) -> Iterator[str]:
    ids: dict[int, str] = {}
    first: list[Told] = []
    for one in came:
        if one.version not in ids:
            ids[one.version] = one.message_id
            first.append(one)
        elif ids[one.version] != one.message_id:
            yield f"{where}: version {one.version} came again as another message"
    if len(set(ids.values())) != len(ids):
        yield f"{where}: two events came as the same message"
    for one, expected in zip(first, wanted, strict=False):
        found = one.version, one.previous, one.position
        if found != (expected.version, expected.previous, expected.position):
            yield f"{where}: {found} came where version {expected.version} was to come"
            return
    if len(first) != len(wanted):
        yield f"{where}: {len(first)} events came, of {len(wanted)}"
