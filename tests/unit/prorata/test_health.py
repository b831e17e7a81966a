"""A process answers whether it lives and whether it is ready, over HTTP."""

from __future__ import annotations

import socket
import urllib.error
import urllib.request
from collections.abc import Sequence

import pytest

from domain.errors import InvalidInput
from prorata.processes.health import Health, served
from prorata.processes.stopping import StopSignal
from scripts.servers.processes import free_port


def asked(port: int, path: str) -> tuple[int, str]:
    """Status and body of the answer."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def well() -> Sequence[str]:
    return []


def test_a_process_whose_loop_turns_and_whose_servers_answer_is_alive_and_ready() -> None:
    port = free_port()
    with served(Health("project", StopSignal(), well), "127.0.0.1", port):
        assert asked(port, "/healthz") == (200, "ok\n")
        assert asked(port, "/readyz") == (200, "ok\n")
        assert asked(port, "/metrics")[0] == 404


def test_a_loop_that_does_not_turn_is_not_alive() -> None:
    now = [0.0]
    stop, port = StopSignal(lambda: now[0]), free_port()
    with served(Health("project", stop, well, limit=60.0), "127.0.0.1", port):
        now[0] = 61.0
        assert asked(port, "/healthz") == (503, "the loop of project has not turned for 61 s\n")
        stop.is_set()
        assert asked(port, "/healthz")[0] == 200


def test_what_keeps_a_process_from_its_work_is_said() -> None:
    port = free_port()
    problems = ["the database does not answer: gone", "the broker does not answer"]
    with served(Health("relay", StopSignal(), lambda: problems), "127.0.0.1", port):
        assert asked(port, "/readyz") == (503, "\n".join(problems) + "\n")


def test_a_port_that_is_used_is_refused_in_a_sentence() -> None:
    with socket.create_server(("127.0.0.1", free_port())) as other:
        port = other.getsockname()[1]
        with (
            pytest.raises(InvalidInput, match="is in use") as refused,
            served(Health("bill", StopSignal(), well), "127.0.0.1", port),
        ):
            pass
    assert refused.value.code == "port_unusable"
