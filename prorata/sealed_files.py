"""The files of a seal: Ed25519 keys in PEM, the seal itself, and the sealed accounts, one a line."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from domain.errors import InvalidInput
from eventlog.audit.seal import Seal, Sealing, fingerprint, opened
from eventlog.audit.walking import Leaf
from eventlog.errors import SealRefused
from eventlog.shards import shard_of


def new_key(file: Path) -> Ed25519PublicKey:
    """Make a private key in a new file that only its owner can read; return its public half."""
    key = Ed25519PrivateKey.generate()
    with new_file(file, mode=0o600) as out:
        out.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return key.public_key()


def private_key(file: Path) -> Ed25519PrivateKey:
    """The key in a PEM file. Raises InvalidInput `not_a_key`."""
    try:
        key = load_pem_private_key(file.read_bytes(), password=None)
    except (TypeError, ValueError, UnsupportedAlgorithm) as error:
        raise InvalidInput(
            "not_a_key", str(file), f"no private key in PEM without a password: {error}"
        ) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise InvalidInput("not_a_key", str(file), "the key is not one of Ed25519: see `prorata seal-key`")
    return key


def public_key(file: Path) -> Ed25519PublicKey:
    """The public key in a PEM file. Raises InvalidInput `not_a_key`."""
    try:
        key = load_pem_public_key(file.read_bytes())
    except (ValueError, UnsupportedAlgorithm) as error:
        raise InvalidInput("not_a_key", str(file), f"no public key in PEM: {error}") from None
    if not isinstance(key, Ed25519PublicKey):
        raise InvalidInput("not_a_key", str(file), "the key is not one of Ed25519")
    return key


def pem(key: Ed25519PublicKey) -> str:
    """The public key in PEM, as `public_key` reads it."""
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


@contextmanager
def new_file(file: Path, *, mode: int = 0o644) -> Iterator[IO[bytes]]:
    """Write a new file that appears whole or not at all, and never replaces another.

    Raises InvalidInput `file_exists`, before anything is written.
    """
    if file.exists():
        raise _exists(file)
    unfinished = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as out:
            yield out
            out.flush()
            os.fsync(out.fileno())
        file.hardlink_to(unfinished)
    except FileExistsError:
        raise _exists(file) from None
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(file)) from error
    finally:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)


def account_line(leaf: Leaf) -> bytes:
    """An account's line in the file of sealed accounts."""
    line = {
        "account": leaf.account_id,
        "events": leaf.events,
        "position": leaf.position,
        "hash": leaf.hash.hex(),
        "leaf": leaf.leaf.hex(),
    }
    return msgspec.json.encode(line) + b"\n"


def sealed_accounts(file: Path, seal: Seal) -> Iterator[Leaf]:
    """The accounts in the file. Raises SealRefused, before the first, unless they are the sealed ones."""
    sealing = Sealing()
    for leaf in _accounts(file):
        sealing.add(shard_of(leaf.account_id), leaf.events, leaf.leaf)
    if sealing.shards() != seal.shards:
        raise SealRefused(f"{file} does not hold the accounts of this seal")
    return _accounts(file)


class _Line(msgspec.Struct, frozen=True):
    account: str
    events: int
    position: int
    hash: str
    leaf: str


def _accounts(file: Path) -> Iterator[Leaf]:
    decoder = msgspec.json.Decoder(_Line)
    with file.open("rb") as lines:
        for number, text in enumerate(lines, 1):
            try:
                line = decoder.decode(text)
                hashes = bytes.fromhex(line.hash), bytes.fromhex(line.leaf)
            except ValueError as error:
                raise InvalidInput("not_an_account", f"{file}:{number}", str(error)) from None
            yield Leaf(line.account, line.events, line.position, *hashes)


def _exists(file: Path) -> InvalidInput:
    return InvalidInput("file_exists", str(file), "the file exists, and is not overwritten: name another")


def trusted_seal(file: Path, trusted: Path | None) -> tuple[Seal, Ed25519PublicKey]:
    """The seal in the file, and the key that signed it, which must be that of the file `trusted` if given.

    Raises SealRefused.
    """
    seal, signer = opened(file.read_bytes())
    if trusted is not None and pem(public_key(trusted)) != pem(signer):
        raise SealRefused(
            f"the seal was signed by key {fingerprint(signer)}, not by {fingerprint(public_key(trusted))} "
            f"of {trusted}"
        )
    return seal, signer
