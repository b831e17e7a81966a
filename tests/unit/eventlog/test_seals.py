"""A seal's file: what is signed, and what is refused."""

from base64 import b64decode
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from eventlog.audit.merkle import leaf_hash
from eventlog.audit.seal import Seal, Sealing, fingerprint, opened, root_of, sign
from eventlog.errors import SealRefused
from eventlog.shards import SHARDS

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


def a_seal() -> Seal:
    """Of three accounts in two shards."""
    sealing = Sealing()
    for shard, name in ((5, b"a"), (5, b"b"), (63, b"c")):
        sealing.add(shard, 2, leaf_hash(name))
    shards = sealing.shards()
    return Seal(
        log_id="0190a5f4-7c1e-7d3b-9a62-5f0d2c8e4b17",
        position=9,
        hash="ab" * 32,
        events=6,
        accounts=3,
        root=root_of(shards).hex(),
        shards=shards,
        made_at="2026-04-05T12:00:00+00:00",
    )


def test_a_seal_that_was_left_alone_opens_with_its_key() -> None:
    seal, key = opened(sign(a_seal(), KEY))
    assert seal == a_seal()
    assert fingerprint(key) == fingerprint(KEY.public_key())


def test_it_may_be_laid_out_otherwise_since_the_content_is_signed() -> None:
    compact = msgspec.json.encode(msgspec.json.decode(sign(a_seal(), KEY)))
    assert opened(compact)[0] == a_seal()


def test_what_is_signed_is_the_documented_text() -> None:
    file = msgspec.json.decode(sign(a_seal(), KEY))
    text = b"prorata-seal-1\n" + msgspec.json.encode(file["seal"], order="sorted")
    public_key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(file["public_key"]))
    public_key.verify(bytes.fromhex(file["signature"]), text)


OTHER: dict[str, Any] = {
    "log_id": "0190a5f4-7c1e-7d3b-9a62-5f0d2c8e4b18",
    "position": 10,
    "hash": "cd" * 32,
    "events": 5,
    "accounts": 2,
    "root": "cd" * 32,
    "made_at": "2026-04-05T12:00:01+00:00",
    "format": "prorata-seal-2",
}


@pytest.mark.parametrize("field", [*OTHER, "shards"])
def test_a_seal_that_was_changed_is_refused(field: str) -> None:
    file = msgspec.json.decode(sign(a_seal(), KEY))
    if field == "shards":
        file["seal"]["shards"][5]["events"] += 1
    else:
        file["seal"][field] = OTHER[field]
    with pytest.raises(SealRefused, match=r"changed after it was signed|reads 'prorata-seal-1'"):
        opened(msgspec.json.encode(file))


def test_a_seal_signed_by_another_key_than_it_says_is_refused() -> None:
    file = msgspec.json.decode(sign(a_seal(), KEY))
    other = Ed25519PrivateKey.generate().public_key()
    file["public_key"] = other.public_bytes(Encoding.Raw, PublicFormat.Raw).hex()
    with pytest.raises(SealRefused, match="its signature does not fit"):
        opened(msgspec.json.encode(file))


def test_a_seal_whose_root_is_not_that_of_its_shards_is_refused_whoever_signed_it() -> None:
    contradicting = msgspec.structs.replace(a_seal(), root="00" * 32)
    with pytest.raises(SealRefused, match="contradicts itself"):
        opened(sign(contradicting, KEY))


Damage = Callable[[bytes], bytes]


@pytest.mark.parametrize(
    "damage",
    [
        lambda file: b"",
        lambda file: file[:-40],
        lambda file: b"[1]",
        lambda file: file.replace(b'"signature"', b'"signed"'),
        lambda file: file.replace(b'"public_key": "', b'"public_key": "zz'),
        lambda file: b"\xff" + file,
    ],
)
def test_what_is_no_seal_is_refused(damage: Damage) -> None:
    with pytest.raises(SealRefused, match="this is no seal"):
        opened(damage(sign(a_seal(), KEY)))


def test_the_root_covers_every_shard_and_its_counts() -> None:
    shards = a_seal().shards
    assert len(shards) == SHARDS
    changed = [
        [*shards[:nth], msgspec.structs.replace(shards[nth], **{field: other}), *shards[nth + 1 :]]
        for nth in (0, 5, 63)
        for field, other in (("accounts", 9), ("events", 9), ("root", "00" * 32))
    ]
    roots = {root_of(each) for each in (shards, *changed)}
    assert len(roots) == 1 + len(changed)


def test_the_fingerprint_is_the_hash_of_what_the_pem_file_holds() -> None:
    pem = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    held = b64decode(b"".join(pem.splitlines()[1:-1]))
    assert fingerprint(KEY.public_key()) == sha256(held).hexdigest()
