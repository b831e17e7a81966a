"""The pages, to be looked at: a server with its card element, accounts that show much, and links to sign in
with.

with pages(settings) as site:
    show_accounts(site)
    site.link("ada", "en")           # for one use within 15 minutes
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final

import msgspec

from prorata.keys.key import NewKey, Role
from prorata.keys.store import KeyStore
from prorata.settings import Settings

TENANT: Final = "main"


class Pages(msgspec.Struct):
    """A server with pages. `url`: its address; `element`: that of its card element."""

    url: str
    element: str
    settings: Settings
    owner: str

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """What the API answers to the owner of the tenant. Raises URLError, also for a refusal."""
        headers = {"Authorization": f"Bearer {self.owner}", "Content-Type": "application/json"}
        data = None if body is None else msgspec.json.encode(body)
        asked = urllib.request.Request(self.url + path, data, headers, method=method)  # noqa: S310 - our own server
        with urllib.request.urlopen(asked, timeout=60) as answer:  # noqa: S310
            found: dict[str, Any] = msgspec.json.decode(answer.read())
        return found

    def link(self, account: str, language: str = "en") -> str:
        """A link to the pages of the account, for one use."""
        made = self.ask("POST", "/v1/portal-sessions", {"account": account, "language": language})
        url: str = made["url"]
        return url

    def key(self, role: Role) -> str:
        """A new key of the tenant, to sign in at the console with."""
        return _key(self.settings, role)


@contextmanager
def pages(settings: Settings, port: int | None = None) -> Iterator[Pages]:
    """Serve the pages on the migrated database until the end. `port`: of the pages, the element has the next
    one; None: any."""
    with tempfile.TemporaryDirectory(prefix="prorata-pages-") as folder:
        own, element_port = port or _free_port(), port + 1 if port else _free_port()
        url, element = f"http://127.0.0.1:{own}", f"http://127.0.0.1:{element_port}"
        environment = {
            "PRORATA_DATABASE_URL": settings.database_url,
            "PRORATA_ALLOW_TEST_GATEWAY": "1",
            "PRORATA_CARD_ELEMENT": element,
            "PRORATA_PERSONS_KEY": _persons_key(Path(folder)),
        }
        with (
            _running(["card-element", "--port", str(element_port), "--pages", url], environment),
            _running(["serve", "--host", "127.0.0.1", "--port", str(own)], environment),
        ):
            yield Pages(url, element, settings, _key(settings, "owner"))


def _key(settings: Settings, role: Role) -> str:
    with closing(KeyStore(settings.database_url, settings.api_secret)) as keys:
        return keys.create(NewKey(TENANT, f"pages, {role}", role)).key


def _persons_key(folder: Path) -> str:
    from service.persons.vault import new_key

    file = folder / "persons.key"
    file.write_text(new_key(), encoding="ascii")
    return str(file)


@contextmanager
def _running(arguments: list[str], environment: dict[str, str]) -> Iterator[None]:
    line = [sys.executable, "-m", "prorata", *arguments]
    with subprocess.Popen(line, env=os.environ | environment, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            process.stdout.readline()  # it says that it serves
            yield
        finally:
            process.terminate()


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


# ---- accounts that show much ---------------------------------------------

DETAILS: Final[dict[str, Any]] = {
    "name": "Ada Moreau",
    "company": "Moreau SARL",
    "address": ["12 rue de Rivoli"],
    "postal_code": "75004",
    "city": "Paris",
    "country": "FR",
    "email": "ada@moreau.example",
}
ACCOUNTS: Final = {
    "ada": "a plan with add-ons, one of them ending",
    "bruno": "a renewal that was declined: something is due",
    "chloe": "a paused plan, and an add-on that goes on being billed",
    "dora": "nothing yet",
    "emil": "on the wall clock: what is bought is bought today",
}
"""Each account, and what is to be seen there."""

_STEPS: Final[dict[str, tuple[tuple[str, dict[str, Any]], ...]]] = {
    "ada": (
        ("purchase-plan", {"product": "standard", "tier": "2500", "at": "2026-03-20"}),
        ("purchase-addon", {"product": "custom_domain", "at": "2026-04-05"}),
        ("start-transactional", {"blocks": 2, "at": "2026-04-10"}),
        ("purchase-addon", {"product": "inbox_preview", "at": "2026-05-02"}),
        ("purchase-addon", {"product": "surveys", "at": "2026-06-01"}),
        ("remove-addon", {"product": "surveys", "at": "2026-07-02"}),
        ("set-payment-method", {"works": True, "at": "2026-07-05"}),
    ),
    "bruno": (
        ("purchase-plan", {"product": "standard", "tier": "500", "at": "2026-03-20"}),
        ("purchase-addon", {"product": "dedicated_ip", "at": "2026-03-20"}),
        ("payment-method", {"works": False, "at": "2026-04-01"}),
        ("remove-addon", {"product": "dedicated_ip", "at": "2026-04-22"}),
    ),
    "chloe": (
        ("purchase-plan", {"product": "essentials", "tier": "500", "at": "2026-03-20"}),
        ("purchase-addon", {"product": "custom_domain", "at": "2026-03-25"}),
        ("pause-plan", {"family": "marketing", "at": "2026-04-02"}),
    ),
    "dora": (),
    "emil": (),
}


def show_accounts(site: Pages) -> None:
    """Open the accounts, and let happen to each what it shows."""
    for account, steps in _STEPS.items():
        opened: dict[str, Any] = {"account": account, "currency": "EUR", "time_zone": "Europe/Paris"}
        if account != "emil":
            opened |= {"clock": "test", "at": "2026-03-20"}
        site.ask("POST", "/v1/accounts", opened)
        if account in ("ada", "emil"):
            site.ask("PUT", f"/v1/accounts/{account}/billing-details", DETAILS)
        for name, body in steps:
            site.ask("POST", f"/v1/accounts/{account}/{name}", body)
