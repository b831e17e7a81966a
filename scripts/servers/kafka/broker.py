"""A Kafka broker process with its own data and ports."""

import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path
from shutil import copytree
from types import TracebackType
from typing import Self

from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from publishing.clients import Broker, to
from scripts.servers.authority import Authority
from scripts.servers.kafka import secured
from scripts.servers.kafka.home import KafkaHome, write_configuration
from scripts.servers.processes import end, free_port, start_with_parent, tail


class KafkaBroker:
    """One broker; start, stop, kill and restart may be called in any order."""

    def __init__(
        self,
        home: KafkaHome,
        directory: Path,
        *,
        settings: Mapping[str, str] | None = None,
        java_flags: Sequence[str] | None = None,
        advertised_port: int | None = None,
        authority: Authority | None = None,
    ) -> None:
        """`settings` override server.properties; `advertised_port`: that of a proxy in front of the
        broker. `authority`: of a broker that asks everybody who they are."""
        self.home = home
        self.directory = directory
        self.log = directory / "broker.log"
        self.port = free_port()
        self.bootstrap = f"127.0.0.1:{self.port}"
        self.certified_port = free_port()
        self._authority = authority
        self.process: subprocess.Popen[bytes] | None = None
        self._java_flags = home.archive_flags() if java_flags is None else java_flags
        self._configuration = directory / "server.properties"
        data = directory / "data"
        if not data.exists():
            copytree(home.template, data)
        controller_port = free_port()
        if authority is not None:
            ports = {"SECURED": self.port, "CERTIFIED": self.certified_port, "INTERNAL": free_port()}
            security = secured.settings_for(authority, ports | {"CONTROLLER": controller_port})
            settings = security | dict(settings or {})
        write_configuration(
            self._configuration,
            settings,
            port=self.port,
            controller_port=controller_port,
            advertised_port=advertised_port or self.port,
            data=data,
        )

    def __repr__(self) -> str:
        return f"<KafkaBroker on {self.bootstrap}, {'running' if self.process else 'stopped'}>"

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def address(self) -> Broker:
        """For those who may do anything."""
        return (
            self.bootstrap if self._authority is None else secured.admin_at(self._authority, self.bootstrap)
        )

    def start(self, timeout: float = 60) -> Self:
        """Start, and wait until topics can be created. The broker is killed when the calling thread ends."""
        assert self.process is None, "already running"
        first = not self.log.exists()
        # Kafka unpacks its native libraries there, and leaves them behind when it is killed.
        scratch = f"-Djava.io.tmpdir={self.directory}"
        command = self.home.command("kafka.Kafka", self._configuration, flags=(*self._java_flags, scratch))
        with self.log.open("ab") as log:
            self.process = start_with_parent(command, directory=self.directory, output=log, new_session=True)
        try:
            self._wait_until_ready(timeout)
            if first and self._authority is not None:
                secured.make_users(self.address, self._authority)
        except BaseException:
            self.kill()
            raise
        return self

    def stop(self) -> None:
        """Shut down in a controlled way: logs are flushed and marked clean."""
        if process := self._forget():
            end(process, signal.SIGTERM, timeout=20)

    def kill(self) -> None:
        """Send SIGKILL: the page cache survives, the process's buffers do not; the next start recovers."""
        if process := self._forget():
            end(process, signal.SIGKILL, timeout=10)

    def pause(self) -> None:
        """Send SIGSTOP: connections stay open and nothing answers, until `resume`."""
        assert self.process is not None, "not running"
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Undo `pause`."""
        assert self.process is not None, "not running"
        self.process.send_signal(signal.SIGCONT)

    def restart(self, *, hard: bool = False) -> Self:
        """Stop, or kill, and start again."""
        if hard:
            self.kill()
        else:
            self.stop()
        return self.start()

    def create_topics(self, topics: Mapping[str, int], settings: Mapping[str, str] | None = None) -> None:
        """Create topics, given as name → number of partitions, and wait until the broker serves them."""
        specifications = {
            name: {"num_partitions": partitions, "replication_factor": 1, "configs": dict(settings or {})}
            for name, partitions in topics.items()
        }
        with closing(KafkaAdminClient(**to(self.address))) as admin:
            admin.create_topics(specifications)
            admin.wait_for_topics(list(specifications))

    def _wait_until_ready(self, timeout: float) -> None:
        """Wait until the broker lists itself, which means that it is registered and no longer fenced."""
        assert self.process is not None
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise RuntimeError(f"Kafka ended with {self.process.returncode}:\n{tail(self.log)}")
            if self._lists_itself():
                return
            time.sleep(0.02)
        raise TimeoutError(f"Kafka was not ready after {timeout} s:\n{tail(self.log)}")

    def _lists_itself(self) -> bool:
        with suppress(OSError, KafkaError):
            socket.create_connection(
                ("127.0.0.1", self.port), 1
            ).close()  # a whole client would be too slow for this
            with closing(KafkaAdminClient(**{**to(self.address), "bootstrap_timeout_ms": 2000})) as admin:
                return bool(admin.describe_cluster()["brokers"])
        return False

    def _forget(self) -> subprocess.Popen[bytes] | None:
        process, self.process = self.process, None
        return process
