"""The server may end at any moment: in order, and nobody loses an answer; killed, and all is done once."""

from __future__ import annotations

import os
import random
import signal
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import psycopg
import pytest

from scripts.servers.processes import free_port
from tests.support.command_line import CommandLine
from tests.support.eventlog.sessions import until, waiting
from tests.support.http_api import OPENED, Api, api_at, ended, started
from tests.support.http_buyers import Buyer
from tests.support.servers import SharedServers

BUYERS = 16
KILLS = 3

_HOLD = "lock table projections.accounts in access exclusive mode"


@pytest.fixture
def database(servers: SharedServers) -> Iterator[str]:
    with servers.new_database() as url:
        assert CommandLine(url)("migrate", "--roles").exit_code == 0
        yield url


@pytest.mark.timeout(300)
def test_killed_at_random_moments_each_purchase_is_done_once_and_everybody_learns_its_answer(
    database: str,
) -> None:
    port, chance = free_port(), random.Random(7)
    process = started(database, port)
    api = Api(CommandLine(database), f"http://127.0.0.1:{port}", process)
    buyers = [Buyer(api.url, api.key(), f"b{nth}", accounts=1) for nth in range(BUYERS)]
    for buyer in buyers:
        buyer.start()
    for _ in range(KILLS):
        time.sleep(chance.uniform(0.3, 1.5))
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        process = started(database, port)
    for buyer in buyers:
        buyer.join(timeout=200)
    with api.client() as client:
        for buyer in buyers:
            buyer.check(client)
    code, told = ended(process)
    assert code == 0, told
    assert sum(buyer.asked_again for buyer in buyers) > 0, "the kills met nobody"


@pytest.mark.timeout(120)
def test_an_orderly_end_ends_streams_at_once_and_waits_for_what_is_under_way(database: str) -> None:
    """A look that waits for a lock of ours is under way: the streams end before it, the server after it."""
    with api_at(database) as api, api.client() as client, api.client() as reader:
        assert client.post("/v1/accounts", json={"account": "a1", **OPENED}).status_code == 201
        with psycopg.connect(database) as holder, ThreadPoolExecutor(3) as threads:
            holder.execute(_HOLD)
            slow = threads.submit(client.get, "/v1/accounts", params={"status": "good"})
            stream = threads.submit(read_to_its_end, reader)
            with psycopg.connect(database, autocommit=True) as watcher:
                until(lambda: waiting(watcher) == 1)
            until(lambda: "prorata_http_subscribers 1.0" in httpx.get(f"{api.url}/metrics").text)
            ending = threads.submit(ended, api.process)

            assert b"account_opened" in stream.result(timeout=60)
            assert asks_in_vain(api)
            assert not slow.done()
            assert not ending.done()

            holder.rollback()
            assert slow.result(timeout=60).status_code == 200
            code, told = ending.result(timeout=60)
            assert code == 0, told


def read_to_its_end(reader: httpx.Client) -> bytes:
    with reader.stream("GET", "/v1/events/stream", timeout=90) as answer:
        return b"".join(answer.iter_bytes())


def asks_in_vain(api: Api) -> bool:
    """Whether what comes now is refused, as the server ends."""
    with api.client() as late:
        answer = late.get("/v1/accounts")
    return bool(answer.status_code == 503 and answer.json()["code"] == "shutting_down")


def test_as_the_owner_of_the_tables_it_serves_with_a_warning(database: str) -> None:
    port = free_port()
    process = started(database, port, {"PRORATA_DATABASE_URL": database})
    code, told = ended(process)
    assert code == 0
    assert "served_as_owner" in told
    assert "prorata_service" in told


def test_a_port_that_another_program_has_is_said(api: Api) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        done = api.prorata("serve", "--port", str(listener.getsockname()[1]))
    assert (done.exit_code, "port_unusable" in done.err) == (2, True), done.err


def test_two_servers_share_a_port_and_one_goes_on_without_the_other(database: str) -> None:
    with api_at(database) as api, api.client() as client:
        port = int(api.url.rpartition(":")[2])
        other = started(database, port)
        assert client.post("/v1/accounts", json={"account": "a1", **OPENED}).status_code == 201
        code, told = ended(other)
        assert code == 0, told
        for _ in range(10):
            with api.client() as new:
                assert new.get("/v1/accounts/a1").status_code == 200
