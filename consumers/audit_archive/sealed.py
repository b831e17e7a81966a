"""Whether an archive is what a seal was made of: the log's whole history up to the seal's position."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Any

from consumers.audit_archive.files import entries, read_day
from consumers.audit_archive.verifying import Verified, verify
from consumers.errors import ArchiveBroken
from eventlog.merkle import LEAF
from eventlog.seals import Seal, Sealing, root_of
from eventlog.shards import shard_of


def verify_against(folder: Path, seal: Seal) -> Verified:
    """Check the archive, and that it holds what the seal covers, no event less and no other one.

    Memory holds a few hundred bytes for each account. Raises ArchiveBroken: `foreign_seal`, `archive_behind`
    where its last day ends before the seal, `seal_differs`.
    """
    found = verify(folder)
    if found.log_id is not None and str(found.log_id) != seal.log_id:
        message = f"the seal is of log {seal.log_id}, the archive of log {found.log_id}"
        raise ArchiveBroken("foreign_seal", message)
    if found.cut < seal.position:
        message = f"the archive ends at position {found.cut}, the seal is up to {seal.position}"
        raise ArchiveBroken("archive_behind", message)
    if _root(folder, seal.position) != seal.root:
        message = f"up to position {seal.position} the archive does not hold the history that was sealed"
        raise ArchiveBroken("seal_differs", message)
    return found


def _root(folder: Path, until: int) -> str:
    """The seal's root, of the archive (docs/eventlog.md, "Seals")."""
    leaves: dict[str, Any] = {}
    events: dict[str, int] = {}
    for entry in entries(folder):
        for event in read_day(folder, entry.file):
            if event.position > until:
                break
            account = event.account_id
            if account not in leaves:
                leaves[account] = sha256(LEAF + _sized(account.encode()))
            place = _sized(event.position.to_bytes(8, "big", signed=True)) + _sized(event.hash)
            leaves[account].update(place)
            events[account] = events.get(account, 0) + 1
    sealing = Sealing()
    for account in sorted(leaves, key=str.encode):
        sealing.add(shard_of(account), events[account], leaves[account].digest())
    return root_of(sealing.shards()).hex()


def _sized(content: bytes) -> bytes:
    return len(content).to_bytes(4, "big") + content
