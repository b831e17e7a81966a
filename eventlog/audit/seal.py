"""A seal: what the log held up to a position, signed, in a few kilobytes that an auditor keeps elsewhere.

    seal = Seal(log_id=…, position=…, …)
    signed = sign(seal, private_key)          # bytes of a JSON file
    seal, public_key = opened(signed)         # raises SealRefused unless it is as it was signed

Pure: no database. docs/eventlog.md, "Seals", has the layout for a reader in another language.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from struct import Struct
from typing import Final

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from eventlog.audit.merkle import LEAF, Tree, leaf_hash
from eventlog.errors import SealRefused
from eventlog.shards import SHARDS

FORMAT: Final = "prorata-seal-1"

_COUNTS = Struct(">qq").pack


class ShardSeal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One shard's accounts up to the position; `root` is of the tree of their leaves, by account id."""

    accounts: int
    events: int
    root: str


class Seal(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The log up to `position`, which was settled: nothing can have appeared later. No account is named."""

    format: str = FORMAT
    log_id: str
    position: int
    hash: str
    """The hash of the event at the position, in hexadecimal."""
    events: int
    accounts: int
    root: str
    """The root of the tree over the shards, in hexadecimal."""
    shards: tuple[ShardSeal, ...]
    made_at: str


class _Signed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    seal: Seal
    public_key: str
    signature: str


class SealedAccount:
    """An account's events up to the position of a seal, which make its leaf."""

    def __init__(self, account_key: bytes) -> None:
        """`account_key`: the account's id after its length, 4 bytes."""
        self.events = 0
        self.last = b""
        self._hash = sha256(LEAF + account_key)

    def add(self, place: bytes) -> None:
        """The next event's position and hash, each after its length."""
        self.events += 1
        self.last = place
        self._hash.update(place)

    def digest(self) -> bytes:
        """The account's leaf: 32 bytes."""
        return self._hash.digest()


class Sealing:
    """Gathers the leaves of accounts, given by account id, into the shards of a seal."""

    def __init__(self) -> None:
        self._trees = [Tree() for _ in range(SHARDS)]
        self._events = [0] * SHARDS

    def add(self, shard: int, events: int, leaf: bytes) -> None:
        """One account with so many events up to the position."""
        self._trees[shard].add(leaf)
        self._events[shard] += events

    def shards(self) -> tuple[ShardSeal, ...]:
        """Every shard, including those without accounts."""
        return tuple(
            ShardSeal(tree.leaves, events, tree.root().hex())
            for tree, events in zip(self._trees, self._events, strict=True)
        )


def root_of(shards: Sequence[ShardSeal]) -> bytes:
    """The tree over the shards: each leaf is its numbers of accounts and events, and its root."""
    tree = Tree()
    for shard in shards:
        tree.add(leaf_hash(_COUNTS(shard.accounts, shard.events) + bytes.fromhex(shard.root)))
    return tree.root()


def sign(seal: Seal, key: Ed25519PrivateKey) -> bytes:
    """The seal as a file: JSON, with the signature and the key that it can be checked with."""
    signed = _Signed(seal, _raw(key.public_key()).hex(), key.sign(_signed_bytes(seal)).hex())
    return msgspec.json.format(msgspec.json.encode(signed), indent=1) + b"\n"


def opened(content: bytes) -> tuple[Seal, Ed25519PublicKey]:
    """The seal in a file, and the key that signed it: whether that is one to trust, only its holder can tell.

    Raises SealRefused where the file is no seal, or was changed after it was signed.
    """
    try:
        signed = msgspec.json.decode(content, type=_Signed)
        public_key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(signed.public_key))
        signature = bytes.fromhex(signed.signature)
        root = root_of(signed.seal.shards).hex()
    except ValueError as error:  # also msgspec's own
        raise SealRefused(f"this is no seal: {error}") from None
    seal = signed.seal
    if seal.format != FORMAT:
        raise SealRefused(f"this is a seal of the format {seal.format!r}, this code reads {FORMAT!r}")
    try:
        public_key.verify(signature, _signed_bytes(seal))
    except InvalidSignature:
        raise SealRefused("the seal was changed after it was signed: its signature does not fit") from None
    if len(seal.shards) != SHARDS or seal.root != root:
        raise SealRefused("the seal contradicts itself: its root is not that of its shards")
    return seal, public_key


def fingerprint(key: Ed25519PublicKey) -> str:
    """SHA-256 of the key in DER: what `openssl pkey -pubin -in FILE -outform der | sha256sum` prints."""
    return sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()


def _raw(key: Ed25519PublicKey) -> bytes:
    return key.public_bytes(Encoding.Raw, PublicFormat.Raw)


def _signed_bytes(seal: Seal) -> bytes:
    """The format's name and a line feed, then the seal as JSON with sorted keys and no space."""
    return f"{FORMAT}\n".encode() + msgspec.json.encode(seal, order="sorted")
