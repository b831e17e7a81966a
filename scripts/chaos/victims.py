"""The victims of faults: processes and servers that are restarted whenever they have ended."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Final, Protocol

import psycopg

from scripts.chaos.plan import Kind
from scripts.servers.postgres import PostgresServer
from scripts.servers.processes import end, start_with_parent

ROOT: Final = Path(__file__).parents[2]

STOPPED, SERVER_AWAY, HUNG = 0, 3, 75
"""Exit codes with which a process may end while servers are killed; it is then restarted."""

_GRACE: Final = 40.0
_STOPS_WITHIN: Final = 5.0
_SHOWN: Final = 3_000


class Victim(Protocol):
    """A part of the system. `age`: seconds for which it has been at work, 0 while it is not. `findings`: what
    it did that no fault explains."""

    name: str
    is_server: bool
    findings: list[str]

    @property
    def age(self) -> float: ...

    @property
    def is_down(self) -> bool: ...

    def start(self) -> None:
        """Start it unless it is up."""
        ...

    def suffer(self, kind: Kind) -> bool:
        """Inflict the fault; False, without any change, if it was not up."""
        ...

    def recover(self, kind: Kind) -> None: ...

    def stop(self) -> None:
        """End it in an orderly way."""
        ...


class ProcessVictim:
    """A process of Prorata's, with its output in a file."""

    is_server = False

    def __init__(
        self, name: str, command: Sequence[str], environment: Mapping[str, str], folder: Path
    ) -> None:
        self.name = name
        self.findings: list[str] = []
        self._command = command
        self._environment = environment
        self._output = folder / f"{name.replace(' ', '-')}.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._at_work_since: float | None = None

    @property
    def is_down(self) -> bool:
        self._bury()
        return self._process is None

    @property
    def age(self) -> float:
        if self.is_down or not self._is_connected():
            return 0.0
        if self._at_work_since is None:
            self._at_work_since = time.monotonic()
        return time.monotonic() - self._at_work_since

    def start(self) -> None:
        if self.is_down:
            self._at_work_since = None
            with self._output.open("ab") as output:
                self._process = start_with_parent(
                    self._command, directory=ROOT, environment=self._environment, output=output
                )

    def suffer(self, kind: Kind) -> bool:
        if self.is_down:
            return False
        assert self._process is not None
        if kind == "pause":
            self._process.send_signal(signal.SIGSTOP)
            if stands_still(self._process):
                return True
            self.recover(kind)
            return False
        process, self._process = self._process, None
        process.kill()
        if process.wait() == -signal.SIGKILL:
            return True
        self._judge(process.returncode)  # it had just ended by itself
        return False

    def recover(self, kind: Kind) -> None:
        if kind == "kill":
            self.start()
        elif not self.is_down:
            assert self._process is not None
            self._process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        if self._process is not None:
            process, self._process = self._process, None
            process.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                process.wait(_GRACE)
            end(process, signal.SIGABRT, _STOPS_WITHIN)  # it shows where one hangs that does not end
            if process.returncode != -signal.SIGTERM:  # otherwise it had no handler yet
                self._judge(process.returncode)

    def _is_connected(self) -> bool:
        """Whether it has finished its imports and made a connection."""
        assert self._process is not None
        folder = f"/proc/{self._process.pid}/fd"
        with suppress(OSError):
            for name in os.listdir(folder):
                with suppress(OSError):
                    if str(Path(folder, name).readlink()).startswith("socket:"):
                        return True
        return False

    def _bury(self) -> None:
        if self._process is not None and (code := self._process.poll()) is not None:
            self._process = None
            self._judge(code)

    def _judge(self, code: int) -> None:
        if code not in (STOPPED, SERVER_AWAY, HUNG):
            said = self._output.read_text(errors="replace")
            said = said[max(said.rfind("Fatal Python error"), len(said) - _SHOWN, 0) :][:_SHOWN]
            self.findings.append(f"{self.name} ended by itself with {code}: …{said}")


class Server(Protocol):
    """The methods that PostgresServer and KafkaBroker share."""

    process: subprocess.Popen[bytes] | None

    def start(self) -> object: ...

    def stop(self) -> None: ...

    def kill(self) -> None: ...

    def pause(self) -> None: ...

    def resume(self) -> None: ...


class ServerVictim:
    """A server; a fault hits all of its processes at once."""

    is_server = True

    def __init__(self, name: str, server: Server) -> None:
        self.name = name
        self.findings: list[str] = []
        self._server = server
        self._began = time.monotonic()

    @property
    def is_down(self) -> bool:
        process = self._server.process
        if process is not None and (code := process.poll()) is not None:
            self.findings.append(f"{self.name} ended by itself with {code}")
            self._server.kill()
        return self._server.process is None

    @property
    def age(self) -> float:
        return 0.0 if self.is_down else time.monotonic() - self._began

    def start(self) -> None:
        if self.is_down:
            self._server.start()
            self._began = time.monotonic()

    def suffer(self, kind: Kind) -> bool:
        if self.is_down:
            return False
        process = self._server.process
        assert process is not None
        if kind == "pause":
            self._server.pause()
            if stands_still(process):
                return True
            self._server.resume()
            return False
        self._server.kill()
        return process.returncode == -signal.SIGKILL

    def recover(self, kind: Kind) -> None:
        if kind == "pause":
            self._server.resume()
        else:
            self.start()

    def stop(self) -> None:
        self._server.stop()


class BackendVictim:
    """A random backend of the server. When it dies, the server ends all others and recovers."""

    is_server = True

    def __init__(self, server: PostgresServer, chance: Random) -> None:
        self.name = "backend"
        self.findings: list[str] = []
        self._server = server
        self._chance = chance
        self._hurt = time.monotonic()

    @property
    def is_down(self) -> bool:
        return False

    @property
    def age(self) -> float:
        return 0.0 if self._server.process is None else time.monotonic() - self._hurt

    def suffer(self, kind: Kind) -> bool:  # noqa: ARG002 - it is killed, whatever the kind
        """Kill a backend; False while the server recovers or nobody is connected."""
        if not (backends := self._backends()):
            return False
        try:
            os.kill(self._chance.choice(backends), signal.SIGKILL)
        except ProcessLookupError:  # its client has just disconnected
            return False
        self._hurt = time.monotonic()
        return True

    def _backends(self) -> list[int]:
        try:
            with psycopg.connect(self._server.url(), autocommit=True, connect_timeout=5) as connection:
                return [pid for (pid,) in connection.execute(_BACKENDS)]
        except psycopg.OperationalError:
            return []

    def start(self) -> None: ...

    def recover(self, kind: Kind) -> None: ...

    def stop(self) -> None: ...


_BACKENDS: Final = """
    select pid from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()
    order by pid
"""


def stands_still(process: subprocess.Popen[bytes]) -> bool:
    """Wait until SIGSTOP has reached the process; False if it ended instead."""
    patience = time.monotonic() + _STOPS_WITHIN
    while time.monotonic() < patience and process.poll() is None:
        state = Path(f"/proc/{process.pid}/stat").read_text().rpartition(") ")[2][0]
        if state == "T":
            return True
        time.sleep(0.005)
    return False
