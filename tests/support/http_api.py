"""A running `prorata serve`, its keys, and a client that asks it."""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import msgspec

from prorata.roles import SERVICE
from scripts.servers.postgres import SUPERUSER
from scripts.servers.processes import free_port
from service.persons.vault import new_key
from tests.support.command_line import PRORATA, CommandLine
from tests.support.roles import login


class Api:
    """An API that runs at `url`, for accounts of any tenant whose key is made here."""

    def __init__(self, prorata: CommandLine, url: str, process: subprocess.Popen[bytes]) -> None:
        self.prorata, self.url, self.process = prorata, url, process
        self.told = ""
        """What it said on stderr, once it has ended."""
        self._keys: dict[tuple[str, str], str] = {}

    def key(self, tenant: str = "acme", role: str = "owner") -> str:
        """A key of the tenant in that role; the same for the same."""
        if (tenant, role) not in self._keys:
            done = self.prorata("key", "create", "--tenant", tenant, "--role", role, "--name", role, "--json")
            assert done.exit_code == 0, done.err
            self._keys[tenant, role] = msgspec.json.decode(done.out)["key"]
        return self._keys[tenant, role]

    def client(self, tenant: str = "acme", role: str = "owner") -> httpx.Client:
        """A client with such a key."""
        headers = {"Authorization": f"Bearer {self.key(tenant, role)}"}
        return httpx.Client(base_url=self.url, headers=headers, timeout=30)


@cache
def persons_key() -> str:
    """The file of a key for billing details, for all that runs in this process."""
    folder = Path(tempfile.mkdtemp(prefix="prorata-test-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    file = folder / "persons.key"
    file.write_text(new_key(), encoding="ascii")
    return str(file)


def started(database_url: str, port: int, settings: dict[str, str] | None = None) -> subprocess.Popen[bytes]:
    """`prorata serve` in a process of its own, as a member of the service's role, once it answers."""
    url = login(database_url, SERVICE) if f"//{SUPERUSER}@" in database_url else database_url
    environment = (
        os.environ
        | {
            "PRORATA_DATABASE_URL": url,
            "PRORATA_ALLOW_TEST_GATEWAY": "1",
            "PRORATA_PERSONS_KEY": persons_key(),
        }
        | (settings or {})
    )
    process = subprocess.Popen(
        [PRORATA, "serve", "--port", str(port)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdout is not None
    if b"serving" in process.stdout.readline():
        return process
    _, told = process.communicate()
    raise AssertionError(f"prorata serve did not start: {told.decode()}")


def ended(process: subprocess.Popen[bytes]) -> tuple[int, str]:
    """The exit code after SIGTERM, and what was said on stderr."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    _, told = process.communicate(timeout=60)
    return process.returncode, told.decode()


@contextmanager
def api_at(
    database_url: str, settings: dict[str, str] | None = None, port: int | None = None
) -> Iterator[Api]:
    """The API on the migrated database; it ends well, and says nothing of failures."""
    port = port or free_port()
    process = started(database_url, port, settings)
    api = Api(CommandLine(database_url), f"http://127.0.0.1:{port}", process)
    try:
        yield api
    finally:
        code, api.told = ended(process)
    assert code == 0, api.told
    assert "Traceback" not in api.told, api.told


OPENED: dict[str, Any] = {
    "currency": "EUR",
    "time_zone": "Europe/Paris",
    "clock": "test",
    "at": "2026-03-20",
}
"""The body that opens an account on a test clock, without its id."""
