"""Where messages may be sent to: to hosts of the internet, and to networks that are allowed by name, so that
nobody reaches by an endpoint's address what only this machine can (SSRF).

The address is checked when the connection is made, by what is connected to: a name that answers otherwise a
moment later gains nothing.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable, Sequence
from typing import Any, Final, TypeAlias
from urllib.parse import urlsplit

import anyio
import httpcore

from domain.errors import InvalidInput
from domain.texts import is_plain

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network
Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

_LONGEST: Final = 2_000
_SHARED: Final = ipaddress.ip_network("100.64.0.0/10")
_TRANSLATED: Final = ipaddress.ip_network("64:ff9b::/96")


class AddressRefused(Exception):  # noqa: N818 - named for what happened
    """The host has an address that nothing is sent to."""


def networks_in(text: str, place: str) -> tuple[Network, ...]:
    """The networks in a list with commas, such as `10.0.0.0/8, ::1/128`. Raises InvalidInput
    `invalid_setting`."""
    try:
        return tuple(ipaddress.ip_network(part.strip()) for part in text.split(",") if part.strip())
    except ValueError as error:
        raise InvalidInput("invalid_setting", place, f"no list of networks: {error}") from None


class Addresses:
    """Which addresses are sent to. `allowed`: also these networks, and these without TLS."""

    def __init__(self, allowed: Sequence[Network] = ()) -> None:
        self._allowed = tuple(allowed)

    def check_url(self, url: str, place: str) -> str:
        """The URL itself, if it can be an endpoint's. Raises InvalidInput `invalid_url`."""
        problem = self._problem_of(url)
        if problem is not None:
            raise InvalidInput("invalid_url", place, problem)
        return url

    def _problem_of(self, url: str) -> str | None:
        if len(url) > _LONGEST or not url.isascii() or not is_plain(url) or " " in url:
            return f"an address is a URL of at most {_LONGEST:,} ASCII characters"
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError:
            return "this is no URL"
        if parts.scheme not in ("https", "http") or not host or port == 0:
            return "an address begins with https:// and a host"
        if parts.username is not None or parts.password is not None or parts.fragment:
            return "an address has no user, password or fragment"
        literal = _literal(host)
        if literal is not None and not self.may_reach(literal):
            return "this address is not one of the internet: PRORATA_WEBHOOK_NETWORKS allows others"
        if parts.scheme == "http" and not (self._allowed and (literal is None or self._is_allowed(literal))):
            return "an address begins with https:// (http:// in what PRORATA_WEBHOOK_NETWORKS names)"
        return None

    def may_reach(self, address: Address) -> bool:
        """Whether messages are sent to the address."""
        if self._is_allowed(address):
            return True
        embedded = _embedded(address)
        if embedded is not None:
            return self.may_reach(embedded)
        return address.is_global and not address.is_multicast and address not in _SHARED

    def may_be_read(self, address: Address) -> bool:
        """Whether messages may go there without TLS."""
        return self._is_allowed(address)

    def _is_allowed(self, address: Address) -> bool:
        return any(address.version == one.version and address in one for one in self._allowed)


class GuardedBackend(httpcore.AsyncNetworkBackend):
    """Connects to the addresses that are sent to, and to no other. `plain`: this connection has no TLS."""

    def __init__(self, addresses: Addresses, *, plain: bool) -> None:
        self._addresses = addresses
        self._plain = plain
        self._backend = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's own interface
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the host's first address that answers. Raises AddressRefused where one of them is none
        that is sent to: a host of both kinds is not to be trusted."""
        found = [literal] if (literal := _literal(host)) is not None else await _resolved(host, port)
        for address in found:
            may = self._addresses.may_be_read if self._plain else self._addresses.may_reach
            if not may(address):
                raise AddressRefused(f"{host} is at {address}, which messages are not sent to")
        failed: Exception = httpcore.ConnectError(f"{host} has no address")
        for address in found:
            try:
                return await self._backend.connect_tcp(
                    str(address), port, timeout, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
        raise failed

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await self._backend.sleep(seconds)


async def _resolved(host: str, port: int) -> list[Address]:
    try:
        found = await anyio.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise httpcore.ConnectError(f"{host} is not known: {error.strerror or error}") from error
    return list(dict.fromkeys(ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found))


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host.strip("[]").partition("%")[0])
    except ValueError:
        return None


def _embedded(address: Address) -> Address | None:
    """The address of version 4 within one of version 6: mapped, translated, or tunnelled."""
    if isinstance(address, ipaddress.IPv4Address):
        return None
    if address in _TRANSLATED:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
