"""Start the servers, run a command or wait, and take everything down, however that ends."""

import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

from prorata.roles import ROLES
from scripts.servers import postgres
from scripts.servers.authority import Authority
from scripts.servers.postgres import SUPERUSER, PostgresServer, login_of
from scripts.servers.processes import end, start_with_parent
from scripts.servers.run import Run

if TYPE_CHECKING:
    from scripts.servers.kafka import KafkaHome

SERVERS = ("postgres", "kafka")
DATABASE = "prorata"
COMMAND_GRACE = 15.0
"""Seconds that the command has to end by itself after Ctrl-C or SIGTERM."""

_OF_LIBPQ = ("PGSSLMODE", "PGSSLROOTCERT", "PGPASSFILE")

_STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(BaseException):
    """A signal to stop has come, or the owning process has ended."""

    def __init__(self, signum: int) -> None:
        super().__init__(signum)
        self.signum = signum


def serve(
    command: Sequence[str],
    *,
    servers: Collection[str] = SERVERS,
    settings: Mapping[str, str] | None = None,
    roles: Iterable[str] = (),
    sync_delay_ms: float = 0,
    secured: bool = False,
    owner: int,
) -> int:
    """Run the command with the servers, or without a command keep them until a signal; return the exit code.

    `secured`: with TLS, passwords and access control lists; the environment says what libpq and Kafka's
    superuser need.

    The end of the process `owner`, even by kill -9, counts as SIGTERM.
    """
    for signum in _STOPPING:
        signal.signal(signum, _interrupt)
    try:
        with Run() as run, ExitStack() as ends:
            try:
                _end_with(owner)
                authority = _authority(run) if secured else None
                database = PostgresServer(
                    *(run.directory / "postgres", settings, roles),
                    sync_delay_ms=sync_delay_ms,
                    authority=authority,
                )
                addresses = _start(run, servers, database, ends, authority)
                return _execute(command, run.environment | addresses) if command else _wait(addresses)
            finally:
                for signum in _STOPPING:  # cleaning up is short, and must not be interrupted
                    signal.signal(signum, signal.SIG_IGN)
    except Interrupted as interruption:
        return 128 + interruption.signum
    except (OSError, RuntimeError) as error:
        say(f"failed: {error}")
        return 1


def say(text: str) -> None:
    """Print progress on stderr."""
    print(f"servers: {text}", file=sys.stderr, flush=True)


def _authority(run: Run) -> Authority:
    """Certificates and passwords; from now on whoever connects to PostgreSQL from here uses them."""
    logins = [SUPERUSER, *map(login_of, ROLES), "admin", "topics", "subscriber"]
    authority = Authority(run.directory / "authority", logins)
    os.environ |= {
        "PGSSLMODE": "verify-full",
        "PGSSLROOTCERT": str(authority.ca),
        "PGPASSFILE": str(authority.password_file),
    }
    return authority


def _start(
    run: Run,
    servers: Collection[str],
    database: PostgresServer,
    ends: ExitStack,
    authority: Authority | None,
) -> dict[str, str]:
    """Start the servers asked for; return their addresses as environment variables."""
    addresses = {}
    pool = ThreadPoolExecutor(1)  # PostgreSQL need not wait for Kafka's jars, which may take a while
    kafka_home = pool.submit(_prepare_kafka) if "kafka" in servers else None
    if "postgres" in servers:
        began = time.monotonic()
        ends.callback(database.stop)
        database.start()
        addresses["PRORATA_DATABASE_URL"] = database.create_database(DATABASE)
        say(f"PostgreSQL {postgres.VERSION} ready on port {database.port} ({time.monotonic() - began:.1f} s)")
    if kafka_home:
        from scripts.servers.kafka import KafkaBroker, home
        from scripts.servers.kafka.addresses import environment_of

        prepared = kafka_home.result()
        began = time.monotonic()
        broker = KafkaBroker(prepared, run.directory / "kafka", authority=authority)
        ends.callback(broker.kill)  # its data is thrown away, so it need not flush
        broker.start()
        addresses |= environment_of(broker.address)
        say(f"Kafka {home.VERSION} ready on port {broker.port} ({time.monotonic() - began:.1f} s)")
    return addresses


def _prepare_kafka() -> "KafkaHome":
    """Prepare Kafka. The import, which takes half a second, is here so that a run without Kafka does
    without."""
    from scripts.servers.kafka import prepare_kafka

    return prepare_kafka(say)


def _execute(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run the command; return its exit code as a shell would."""
    process = start_with_parent(command, environment=environment)
    try:
        # Peek at the status without reaping: a signal at this moment would lose what `wait` had received.
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    except Interrupted as interruption:
        # Ctrl-C has reached the command too, which is in the same process group. A second signal ends its
        # grace.
        if interruption.signum != signal.SIGINT:
            process.terminate()
        try:
            code = process.wait(COMMAND_GRACE)
        except (Interrupted, subprocess.TimeoutExpired):
            end(process, signal.SIGTERM, timeout=1)
            raise interruption from None
    else:
        code = process.wait()
    return code if code >= 0 else 128 - code


def _wait(addresses: Mapping[str, str]) -> NoReturn:
    """Print the addresses, and wait until a signal comes."""
    known = {name: os.environ[name] for name in _OF_LIBPQ if name in os.environ}
    for name, value in {**addresses, **known}.items():
        print(f"export {name}={value}", flush=True)
    say("running until Ctrl-C")
    while True:
        signal.pause()


def _end_with(owner: int) -> None:
    """Send this process SIGTERM when the process `owner` ends."""
    if owner == 0:  # the parent is outside of this container, so it cannot be watched
        return
    try:
        process = os.pidfd_open(owner)
    except ProcessLookupError:
        raise Interrupted(signal.SIGTERM) from None

    def watch() -> None:
        select.select([process], [], [])
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()


def _interrupt(signum: int, _frame: FrameType | None) -> NoReturn:
    raise Interrupted(signum)
