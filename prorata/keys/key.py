"""A key, what is kept of it, and what its role is called.

key = new_key()                         # "prk_…", 43 random characters
hash_of(secret, key)                    # what the table keeps
"""

from __future__ import annotations

import hmac
import secrets
from datetime import datetime
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Final, Literal, TypeAlias, get_args

import msgspec

from domain.calendar import Instant
from domain.errors import InvalidInput
from domain.texts import is_plain

Role = Literal[
    "owner", "admin", "manager", "author", "viewer", "support", "finance", "provider", "operator"
]  # fmt: skip
"""Of a key: those of R43, staff's (R60), `provider` (disputes alone), `operator` (catalogues, keys)."""

ROLES: Final[tuple[Role, ...]] = get_args(Role)

PREFIX: Final = "prk_"
_RANDOM_BYTES: Final = 32
_MAX_NAME: Final = 100

Network: TypeAlias = IPv4Network | IPv6Network


class ApiKey(msgspec.Struct, frozen=True):
    """What is kept of a key. `networks`: from which it may be used, empty: from all. `hint`: its last four
    characters. `revoked_at`: from when on it counts no more; lies ahead where a rolled key overlaps."""

    id: str
    tenant: str
    name: str
    role: Role
    hint: str
    networks: tuple[str, ...]
    created_at: Instant
    expires_at: Instant | None = None
    revoked_at: Instant | None = None
    rolled_from: str | None = None
    last_used_at: Instant | None = None

    def counts(self, at: datetime) -> bool:
        """Whether it is neither expired nor revoked at that instant."""
        ends = [end for end in (self.expires_at, self.revoked_at) if end is not None]
        return all(at < end for end in ends)

    def may_come_from(self, address: str) -> bool:
        """Whether it may be used from that address."""
        if not self.networks:
            return True
        try:
            came_from = ip_address(address)
        except ValueError:
            return False
        return any(came_from in ip_network(network) for network in self.networks)


class NewKey(msgspec.Struct, frozen=True):
    """What a key is to be."""

    tenant: str
    name: str
    role: Role
    networks: tuple[str, ...] = ()
    expires_at: Instant | None = None


def new_key() -> str:
    """A random key: nobody guesses one."""
    return PREFIX + secrets.token_urlsafe(_RANDOM_BYTES)


def new_id() -> str:
    """By which a person names a key."""
    return "key_" + secrets.token_hex(8)


def hash_of(secret: bytes, key: str) -> bytes:
    """What the table keeps of a key: without the secret it tells nothing."""
    return hmac.digest(secret, key.encode(), "sha256")


def checked(wanted: NewKey) -> NewKey:
    """The same, if it can be made. Raises InvalidInput `invalid_role`, `invalid_name`, `invalid_network`."""
    if wanted.role not in ROLES:
        raise InvalidInput("invalid_role", "--role", f"a key's role is one of {', '.join(ROLES)}")
    if not (wanted.name and is_plain(wanted.name) and len(wanted.name) <= _MAX_NAME):
        message = f"a key's name is a text of 1 to {_MAX_NAME} characters, without control characters"
        raise InvalidInput("invalid_name", "--name", message)
    for network in wanted.networks:
        try:
            ip_network(network)
        except ValueError:
            message = f"{network[:60]!r} is no network, such as 192.0.2.0/24 or 2001:db8::/32"
            raise InvalidInput("invalid_network", "--network", message) from None
    return wanted
