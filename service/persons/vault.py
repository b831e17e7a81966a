"""How details are sealed: each version by a key of its own, which the system's key wraps.

    vault = Vault(key_file.read_text())
    sealed = vault.seal("main/a1", 3, details)
    vault.opened("main/a1", 3, sealed)

Whoever destroys a version's key has destroyed the version, wherever copies of it may lie, but for those who
hold both an older copy of that key and the system's.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

import msgspec
from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from domain.errors import HALTED, Failure, InvalidInput
from service.persons.details import BillingDetails, normal_email

_PLACE: Final = "PRORATA_PERSONS_KEY"


class DetailsUnreadable(Failure):
    """Details that the system's keys do not open, or that stand where they were not put."""

    code = "details_unreadable"
    exit_code = HALTED
    remedy = (
        "put the key that sealed it as a further line into the file that PRORATA_PERSONS_KEY names; where no "
        "key opens it, the row was altered: restore it from a backup"
    )

    def __init__(self, account_id: str, version: int) -> None:
        super().__init__(account_id, version)
        self.account_id, self.version = account_id, version

    @property
    def what(self) -> str:
        return f"version {self.version} of the billing details of {self.account_id} cannot be opened"


class Sealed(msgspec.Struct, frozen=True):
    """A version as it is kept: its own key, wrapped, and what that key sealed."""

    key: bytes
    body: bytes


class _Content(msgspec.Struct, frozen=True):
    """What is sealed: the details, and where they belong, so that a row put elsewhere is noticed."""

    account_id: str
    version: int
    details: BillingDetails


def new_key() -> str:
    """A new key of the system, as a line for its file."""
    return Fernet.generate_key().decode()


class Vault:
    """Seals with the first of the keys, opens with each of them.

    `keys`: one a line, as `new_key` makes them; a new key is put before the older ones. Raises InvalidInput
    `invalid_setting`.
    """

    def __init__(self, keys: str) -> None:
        lines = [line.strip() for line in keys.splitlines() if line.strip()]
        try:
            fernets = [Fernet(line) for line in lines]
            self._keys = MultiFernet(fernets)
        except ValueError:
            reason = "the file has no key in each line: `prorata persons key FILE` makes one"
            raise InvalidInput("invalid_setting", _PLACE, reason) from None
        self._digesting = [
            hashlib.sha256(b"prorata e-mail digest\0" + line.encode()).digest() for line in lines
        ]

    def seal(self, account_id: str, version: int, details: BillingDetails) -> Sealed:
        """Seal them with a key that is made for them."""
        own = Fernet.generate_key()
        content = msgspec.json.encode(_Content(account_id, version, details))
        return Sealed(self._keys.encrypt(own), Fernet(own).encrypt(content))

    def opened(self, account_id: str, version: int, sealed: Sealed) -> BillingDetails:
        """The details. Raises DetailsUnreadable."""
        try:
            own = self._keys.decrypt(sealed.key)
            content = msgspec.json.decode(Fernet(own).decrypt(sealed.body), type=_Content)
        except (InvalidToken, ValueError, msgspec.MsgspecError):
            raise DetailsUnreadable(account_id, version) from None
        if (content.account_id, content.version) != (account_id, version):
            raise DetailsUnreadable(account_id, version)
        return content.details

    def rewrapped(self, sealed: Sealed) -> Sealed:
        """The same, its own key wrapped by the first of the system's keys."""
        return Sealed(self._keys.rotate(sealed.key), sealed.body)

    def email_digest(self, email: str) -> bytes:
        """By what details with this address are found: the digest under the first key."""
        return self.email_digests(email)[0]

    def email_digests(self, email: str) -> list[bytes]:
        """The address's digests under each key."""
        text = normal_email(email).encode()
        return [hmac.digest(key, text, "sha256") for key in self._digesting]
