"""The peer that is an event store of its own: UmaDB, a server in Rust, with its package's client.

with UmaServer(folder) as server:
    append = server.appending()
    position = append("bench/a-1", 0, event)       # 0: no event has the account's tag yet
"""

from __future__ import annotations

import importlib.util
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import psycopg

from eventlog.records import NewEvent

NAME: Final = "UmaDB 0.7.8, conditional appends"
_PATIENCE: Final = 30.0


def is_there() -> bool:
    """Whether the package is installed."""
    return importlib.util.find_spec("umadb") is not None


def beside(database_url: str) -> Path | None:
    """A folder on the disk on which PostgreSQL's data lies, so that both wait for one disk; None: it cannot
    be written to from here."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        [[data]] = connection.execute("show data_directory").fetchall()
    folder = Path(data).parent
    try:
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError:
        return None


class UmaServer:
    """A server of its own with an empty store, gone after the `with`."""

    def __init__(self, folder: Path | None) -> None:
        """`folder`: where the store is made; None: where temporary files are."""
        self._store = tempfile.TemporaryDirectory(prefix="umadb-", dir=folder)
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._address = f"127.0.0.1:{free.getsockname()[1]}"

    def __enter__(self) -> Self:
        serve = "import sys, umadb; umadb.run_server_from_args(sys.argv)"
        options = [f"--listen={self._address}", f"--db-path={self._store.name}"]
        self._server = subprocess.Popen(
            [sys.executable, "-c", serve, *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self._client = self._connected()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with suppress(Exception):
            self._client.close()
        self._server.terminate()
        self._server.wait()
        self._store.cleanup()

    def appending(self) -> Callable[[str, int, NewEvent], int]:
        """A function that appends an event, if none has the account's tag after that position, and returns
        its own. All threads share one client, which is several times as fast here as one for each."""
        import umadb  # type: ignore[import-not-found,unused-ignore]

        client: Any = self._client

        def append(account: str, after: int, event: NewEvent) -> int:
            tags = [account]
            new = umadb.Event(event.type, event.state, tags, event.event_id)
            nothing_since = umadb.Query([umadb.QueryItem(tags=tags)])
            position = client.append([new], umadb.AppendCondition(nothing_since, after=after))
            return int(position)

        return append

    def last_position(self) -> int:
        """How many events the store holds: its positions have no gaps."""
        return int(self._client.head() or 0)

    def _connected(self) -> Any:
        import umadb

        deadline = time.monotonic() + _PATIENCE
        while True:
            try:
                client = umadb.Client(f"http://{self._address}")
                client.head()
                return client
            except Exception as error:
                if self._server.poll() is not None or time.monotonic() > deadline:
                    self._server.kill()
                    raise RuntimeError(f"UmaDB does not serve: {error}") from error
                time.sleep(0.05)
