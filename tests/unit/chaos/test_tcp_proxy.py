"""The line to a server carries everything both ways, and can be cut in two ways."""

from __future__ import annotations

import select
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from scripts.chaos.tcp_proxy import TcpProxy

NOTHING_ARRIVES = 0.2
"""Seconds in which bytes would have come through a line that is whole, most often."""


@pytest.fixture
def server() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(30)
        yield listening


@pytest.fixture
def line(server: socket.socket) -> Iterator[TcpProxy]:
    with TcpProxy("line", server.getsockname()[1]) as line:
        yield line


@pytest.fixture
def ends(line: TcpProxy, server: socket.socket) -> Iterator[tuple[socket.socket, socket.socket]]:
    """A client's and the server's end of a connection over the line."""
    here, there = connected(line, server)
    with here, there:
        yield here, there


def connected(line: TcpProxy, server: socket.socket) -> tuple[socket.socket, socket.socket]:
    here = socket.create_connection(("127.0.0.1", line.port), 30)
    there, _ = server.accept()
    there.settimeout(30)
    there.sendall(b"hello")
    assert received(here, 5) == b"hello"
    return here, there


def received(end: socket.socket, count: int) -> bytes:
    """So many bytes, or fewer where the other side ends before."""
    found = b""
    while len(found) < count and (chunk := end.recv(count - len(found))):
        found += chunk
    return found


def test_bytes_arrive_both_ways_as_they_were_sent(ends: tuple[socket.socket, socket.socket]) -> None:
    long = bytes(range(256)) * 10_000
    with ThreadPoolExecutor(2) as pool:
        for sender, receiver in (ends, ends[::-1]):
            sending = pool.submit(sender.sendall, long)
            assert received(receiver, len(long)) == long
            sending.result()


def test_the_end_of_one_side_arrives_behind_its_last_byte_and_the_other_may_still_answer(
    ends: tuple[socket.socket, socket.socket],
) -> None:
    here, there = ends
    here.sendall(b"all of it")
    here.shutdown(socket.SHUT_WR)
    assert received(there, 100) == b"all of it"
    there.sendall(b"the answer")
    there.close()
    assert received(here, 100) == b"the answer"


def test_a_stalled_line_holds_everything_back_and_lets_it_through_when_it_is_whole_again(
    line: TcpProxy, ends: tuple[socket.socket, socket.socket]
) -> None:
    here, there = ends
    assert line.suffer("stall")
    here.sendall(b"question")
    there.sendall(b"answer")
    there.shutdown(socket.SHUT_WR)
    assert select.select([here, there], [], [], NOTHING_ARRIVES)[0] == []
    line.recover("stall")
    assert (received(there, 8), received(here, 100)) == (b"question", b"answer")


def test_a_dropped_line_breaks_connections_and_takes_none_until_it_is_whole_again(
    line: TcpProxy, server: socket.socket, ends: tuple[socket.socket, socket.socket]
) -> None:
    here, there = ends
    assert line.suffer("drop")
    assert is_broken(here)
    assert is_broken(there)
    with socket.create_connection(("127.0.0.1", line.port), 30) as refused:
        assert is_broken(refused)
    line.recover("drop")
    for end in connected(line, server):
        end.close()


def is_broken(end: socket.socket) -> bool:
    try:
        return end.recv(1) == b""
    except ConnectionError:
        return True


@pytest.mark.parametrize("kind", ["stall", "drop"])
def test_a_line_that_nobody_uses_is_not_hit(line: TcpProxy, server: socket.socket, kind: str) -> None:
    assert line.age == 0
    assert not line.suffer("stall" if kind == "stall" else "drop")
    here, there = connected(line, server)
    with here, there:
        here.sendall(b"through")
        assert received(there, 7) == b"through"
        assert line.age > 0


def test_a_line_to_a_server_that_is_away_breaks_what_connects(server: socket.socket) -> None:
    with TcpProxy("line", server.getsockname()[1]) as line:
        server.close()
        with socket.create_connection(("127.0.0.1", line.port), 30) as here:
            assert is_broken(here)
