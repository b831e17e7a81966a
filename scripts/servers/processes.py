"""Start processes that end with their parent, end them, and find free ports."""

import os
import pwd
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

_DIE_WITH_PARENT = Path(__file__).with_name("die_with_parent.py")
_EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")


def start_with_parent(
    command: Sequence[str | Path],
    *,
    on_parent_death: signal.Signals = signal.SIGKILL,
    user: pwd.struct_passwd | None = None,
    directory: Path | None = None,
    environment: Mapping[str, str] | None = None,
    output: BinaryIO | None = None,
    new_session: bool = False,
) -> subprocess.Popen[bytes]:
    """Start a program that gets the signal when the calling *thread* ends, however it ends.

    With `output` it reads nothing and writes there; otherwise it shares the terminal.
    """
    ids = (user.pw_uid, user.pw_gid) if user else (-1, -1)
    tie = [sys.executable, "-I", "-S", _DIE_WITH_PARENT, os.getpid(), int(on_parent_death), *ids]
    return subprocess.Popen(
        [str(part) for part in (*tie, *command)],
        stdin=subprocess.DEVNULL if output else None,
        stdout=output,
        stderr=output,
        cwd=directory,
        env=environment,
        start_new_session=new_session,
    )


def run_with_parent(
    command: Sequence[str | Path],
    log: Path,
    *,
    user: pwd.struct_passwd | None = None,
    directory: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> None:
    """Run a program as `start_with_parent` does, to its end. Raises RuntimeError, with its output, if it
    fails."""
    with log.open("wb") as output:
        process = start_with_parent(
            command, user=user, directory=directory, environment=environment, output=output
        )
        code = process.wait()
    if code != 0:
        raise RuntimeError(f"{command[0]} ended with {code}:\n{tail(log)}")


def tail(log: Path) -> str:
    """The end of a log, for a message."""
    return log.read_text(errors="replace")[-3000:]


def end(process: subprocess.Popen[bytes], signum: signal.Signals, timeout: float) -> None:
    """Signal the process and wait for its end; SIGKILL after the timeout."""
    process.send_signal(signum)
    try:
        process.wait(timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def wait_for_port(port: int, timeout: float = 30) -> None:
    """Wait until somebody listens there. Raises TimeoutError."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.01)
    raise TimeoutError(f"nobody listens on port {port} after {timeout} s")


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on, outside the range of ports for outgoing connections.

    A client that calls a stopped server's port within that range can connect to itself, and then occupies the
    port that the server needs.
    """
    low, high = map(int, _EPHEMERAL.read_text().split())
    candidates = range(max(1024, low - 16384), low) if low > 4096 else range(high + 1, 65536)
    for port in random.sample(candidates, min(len(candidates), 64)):
        with socket.socket() as sock, suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind(("127.0.0.1", port))
            return port
    raise OSError(f"no free port found in {candidates}")
