"""Two calls of the HTTP API in the demo: a server of its own for their time, and what it answers."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Final

import msgspec

from prorata.keys.key import NewKey
from prorata.keys.store import KeyStore
from prorata.settings import Settings

PRODUCT: Final = "custom_domain"


def ask_over_http(settings: Settings, account: str, say: Callable[[str], None]) -> None:
    """Serve the API, and ask it about the account of the tenant `main`. `settings`: as the service's role."""
    with closing(KeyStore(settings.database_url, settings.api_secret)) as keys:
        key = keys.create(NewKey("main", "demo", "owner")).key
    with _served(settings) as address:
        say(f"answers over HTTP at {address}, its documentation at {address}/docs")
        may = _asked(address, key, f"/v1/accounts/{account}/entitlements/{PRODUCT}")
        say(f"GET /v1/accounts/{account}/entitlements/{PRODUCT}: {_told(may, 'usable', 'access_until')}")
        invoice = _asked(address, key, f"/v1/accounts/{account}/invoices/2")
        say(f"GET /v1/accounts/{account}/invoices/2: {_told(invoice, 'date', 'total', 'status', 'code')}")


@contextmanager
def _served(settings: Settings) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    secrets = ("PRORATA_DATABASE_URL_FILE", "PRORATA_DATABASE_PASSWORD", "PRORATA_DATABASE_PASSWORD_FILE")
    environment = {name: value for name, value in os.environ.items() if name not in secrets}
    environment["PRORATA_DATABASE_URL"] = settings.database_url
    line = [sys.executable, "-m", "prorata", "serve", "--host", "127.0.0.1", "--port", port]
    with subprocess.Popen(line, env=environment, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            process.stdout.readline()  # it says that it serves
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def _asked(address: str, key: str, path: str) -> dict[str, object]:
    asked = urllib.request.Request(address + path, headers={"Authorization": f"Bearer {key}"})  # noqa: S310
    try:
        with urllib.request.urlopen(asked, timeout=30) as answer:  # noqa: S310 - our own server
            body = answer.read()
    except urllib.error.HTTPError as error:
        body = error.read()
    found: dict[str, object] = msgspec.json.decode(body)
    return found


def _told(answer: dict[str, object], *names: str) -> str:
    return msgspec.json.encode({name: answer[name] for name in names if name in answer}).decode()
