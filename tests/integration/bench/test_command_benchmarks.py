"""`python -m scripts.bench commands|hot`: each line has what was measured, and the log holds what was bought.
How fast is not tested."""

from __future__ import annotations

import json
from typing import Any

import psycopg
import pytest

from scripts.bench import __main__ as bench
from scripts.bench import commands as benchmark
from scripts.bench import scratch as places
from scripts.bench.purchasing import Load, load_catalogue, run
from service.gateways.memory import MemoryTestGateway

COLUMNS = {"name", "ours", "peer", "ratio", "p50_ms", "p99_ms"}


def _lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    for line in lines:
        assert line.keys() >= COLUMNS
        assert min(line["ours"], line["peer"], line["ratio"]) > 0
        assert 0 < line["p50_ms"] <= line["p99_ms"]
    return lines


def test_purchases_are_measured_beside_appends_and_a_peer(
    server: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(benchmark, "MANY", 4)
    monkeypatch.setattr(benchmark, "PATIENT", 8)
    assert bench.commands(callers=2, seconds=0.2, rounds=1, json=True) == 0
    lines = _lines(capsys)
    assert [line["name"] for line in lines] == [
        "purchases",
        "purchases",
        "purchases, 4 callers",
        "purchases, durable test gateway",
        "purchases, gateway with a delay",
        "purchases, two processes",
    ]
    assert {"µs of a purchase, one", "two"} <= lines[-1]["about"].keys()


def test_a_hot_account_is_measured_beside_one_caller(server: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert bench.hot(callers=4, seconds=0.2, rounds=1, json=True) == 0
    rate, waits = _lines(capsys)
    assert (rate["name"], rate["peer_is"]) == ("hot account", "1 caller")
    assert waits["about"]["p99 to p50"] == pytest.approx(waits["ours"] / waits["peer"], rel=0.1)


def test_the_shop_page_is_measured_beside_one_made_anew(
    server: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench.screens(accounts=3, callers=2, seconds=0.2, rounds=1, json=True) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["name"] for line in lines] == ["shop page", "shop page, each page made anew"]
    assert lines[0]["peer"] == lines[1]["ours"] > 0
    assert all(0 < line["p50_ms"] <= line["p99_ms"] for line in lines)


@pytest.mark.parametrize("hot", [False, True])
def test_what_was_bought_is_in_the_log_and_was_charged_once(server: str, hot: bool) -> None:
    gateway = MemoryTestGateway()
    with places.database(server) as url:
        load_catalogue(url)
        found = run(url, Load(4, 0.3, hot=hot), turn="t", gateway=gateway)
        with psycopg.connect(url) as connection:
            [[intents]] = connection.execute(
                "select count(*) from public.events where type = 'payment_started'"
            ).fetchall()
            [[bought]] = connection.execute(
                "select count(*) from public.events where type like '%%_purchased'", ()
            ).fetchall()
    assert intents == bought == len(gateway.answers) > 0
    assert set(gateway.answers.values()) == {"paid"}
    assert found.rate > 0
