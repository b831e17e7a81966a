"""Webhooks go to the internet, and to networks that are allowed by name, however an address is written."""

from __future__ import annotations

import asyncio
import ipaddress

import pytest

from consumers.webhooks.addresses import Addresses, AddressRefused, GuardedBackend, networks_in
from domain.errors import InvalidInput

PUBLIC = ["1.1.1.1", "93.184.216.34", "2606:4700:4700::1111", "64:ff9b::101:101"]
INSIDE = [
    "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
    "224.0.0.1", "255.255.255.255", "192.0.2.1", "::1", "::", "fe80::1", "fc00::1", "ff02::1",
    "::ffff:127.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::",
]  # fmt: skip


@pytest.mark.parametrize("address", PUBLIC)
def test_an_address_of_the_internet_is_sent_to(address: str) -> None:
    assert Addresses().may_reach(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", INSIDE)
def test_an_address_inside_is_not_sent_to(address: str) -> None:
    assert not Addresses().may_reach(ipaddress.ip_address(address))


def test_a_network_that_is_allowed_is_sent_to() -> None:
    allowed = Addresses(networks_in("10.0.0.0/8, ::1/128", "x"))
    assert allowed.may_reach(ipaddress.ip_address("10.1.2.3"))
    assert allowed.may_reach(ipaddress.ip_address("::1"))
    assert not allowed.may_reach(ipaddress.ip_address("127.0.0.1"))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0x7f.1", "2130706433", "127.1", "[::1]", "0"])
def test_however_this_machine_is_written_nobody_connects_to_it(host: str) -> None:
    backend = GuardedBackend(Addresses(), plain=False)
    with pytest.raises(AddressRefused):
        asyncio.run(backend.connect_tcp(host, 9))


def test_without_tls_nothing_goes_to_the_internet() -> None:
    backend = GuardedBackend(Addresses(networks_in("10.0.0.0/8", "x")), plain=True)
    with pytest.raises(AddressRefused):
        asyncio.run(backend.connect_tcp("1.1.1.1", 80))


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/", "https://[::1]/", "https://169.254.169.254/latest", "http://1.1.1.1/",
        "https://", "//x/", "https://x:0/", "https://x:99999/", "https://a b/", "https://x/#f",
        "javascript:1", "https://user@x/", "https://x/\n", "https://" + "x" * 2_000, "https://[::1", "https://é/",
    ],
)  # fmt: skip
def test_a_url_that_cannot_be_an_endpoints_is_refused(url: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        Addresses().check_url(url, "$.url")
    assert (refused.value.code, refused.value.place) == ("invalid_url", "$.url")


def test_a_url_of_the_internet_is_taken() -> None:
    assert Addresses().check_url("https://shop.example:8443/hooks?x=1", "$.url")


def test_what_is_no_list_of_networks_is_refused() -> None:
    with pytest.raises(InvalidInput) as refused:
        networks_in("10.0.0.0/8, nonsense", "PRORATA_WEBHOOK_NETWORKS")
    assert (refused.value.code, refused.value.place) == ("invalid_setting", "PRORATA_WEBHOOK_NETWORKS")
