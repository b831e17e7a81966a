"""Whether an archive is what a seal was made of: the log's whole history up to the seal's position."""

from __future__ import annotations

from pathlib import Path

from consumers.audit_archive.verifying import Verified, verify
from consumers.errors import ArchiveBroken
from eventlog.audit.seal import Seal, SealedAccount, Sealing, root_of
from eventlog.records import StoredEvent
from eventlog.shards import shard_of


def verify_against(folder: Path, seal: Seal) -> Verified:
    """Check the archive, and that it holds what the seal covers, no event less and no other one.

    Memory holds a few hundred bytes for each account. Raises ArchiveBroken: `foreign_seal`, `archive_behind`
    where its last day ends before the seal, `seal_differs`.
    """
    accounts: dict[str, SealedAccount] = {}

    def see(event: StoredEvent) -> None:
        if event.position <= seal.position:
            if event.account_id not in accounts:
                accounts[event.account_id] = SealedAccount(_sized(event.account_id.encode()))
            place = event.position.to_bytes(8, "big", signed=True)
            accounts[event.account_id].add(_sized(place) + _sized(event.hash))

    found = verify(folder, see)
    if found.log_id is not None and str(found.log_id) != seal.log_id:
        message = f"the seal is of log {seal.log_id}, the archive of log {found.log_id}"
        raise ArchiveBroken("foreign_seal", message)
    if found.cut < seal.position:
        message = f"the archive ends at position {found.cut}, the seal is up to {seal.position}"
        raise ArchiveBroken("archive_behind", message)
    if _root(accounts) != seal.root:
        message = f"up to position {seal.position} the archive does not hold the history that was sealed"
        raise ArchiveBroken("seal_differs", message)
    return found


def _root(accounts: dict[str, SealedAccount]) -> str:
    """The seal's root, of these accounts (docs/eventlog.md, "Seals")."""
    sealing = Sealing()
    for account_id, sealed in sorted(accounts.items(), key=lambda found: found[0].encode()):
        sealing.add(shard_of(account_id), sealed.events, sealed.digest())
    return root_of(sealing.shards()).hex()


def _sized(content: bytes) -> bytes:
    return len(content).to_bytes(4, "big") + content
