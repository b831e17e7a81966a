"""Random requests on a running API: `python -m scripts.api.fuzz --plays 60 --examples 60 --seed 1`.

The story of all routes is played so many times, on accounts of its own each time, and each answer is held
against the description; then schemathesis makes requests of the description, on accounts that exist and
following links, and looks for faults and for answers that the description does not have.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, Final

import msgspec
from jsonschema import Draft202012Validator

from prorata.http.openapi import FILE
from prorata.keys.key import Role
from prorata.roles import PROJECTOR
from prorata.settings import Settings
from scripts.api.description import FIRST, asker
from scripts.api.random_requests import RandomRequests
from scripts.api.story import Done, played
from tests.support.command_line import PRORATA, CommandLine
from tests.support.http_api import Api, api_at
from tests.support.roles import login

TENANT: Final = "fuzzed"
AT_LEAST: Final = 20_000
"""Requests of a whole run, unless it is asked for fewer."""


class Report(msgspec.Struct, frozen=True):
    """How often each route was played with success, requests that schemathesis made, and what was wrong."""

    succeeded: dict[str, int]
    requests: int
    wrong: list[str]


@lru_cache(maxsize=1)
def description() -> dict[str, Any]:
    """As it is committed."""
    found: dict[str, Any] = msgspec.json.decode(FILE.read_bytes())
    return found


def differences(done: Done) -> list[str]:
    """What of the answer is not as the description says."""
    operation = description()["paths"][done.route.path][done.route.method.lower()]
    said = operation["responses"].get(str(done.status))
    if said is None or "content" not in said:
        return [f"{done.route.name}: {done.status} {done.answer}"]
    content = said["content"].get(done.route.media_type)
    if content is None:
        return [f"{done.route.name}: another media type"]
    return [
        f"{done.route.name}: {error.message[:200]}" for error in validator(content).iter_errors(done.answer)
    ]


def validator(content: dict[str, Any]) -> Draft202012Validator:
    """Of the content's schema."""
    return _validator(msgspec.json.encode(content["schema"]))


@lru_cache(maxsize=256)
def _validator(schema: bytes) -> Draft202012Validator:
    whole = {**msgspec.json.decode(schema), "$defs": description()["components"]["schemas"]}
    text = msgspec.json.encode(whole).replace(b'"#/components/schemas/', b'"#/$defs/')
    return Draft202012Validator(msgspec.json.decode(text))


def fuzzed(api: Api, *, plays: int, examples: int, seed: int, phases: str) -> Report:
    """Play and fuzz."""
    ask, succeeded, wrong = asker(api, TENANT), Counter[str](), list[str]()
    accounts: dict[str, None] = {}
    for nth in range(plays):
        for done in played(ask, FIRST if nth == 0 else f"{FIRST}{nth}"):
            succeeded[done.route.name] += done.status < 400
            wrong += differences(done)
            accounts |= {done.step.account: None} if done.step.account else {}
    requests = 0
    known = {
        "account": list(accounts),
        "endpoint": _endpoints(api),
        "number": ["1", "2", "3"],
        "product": ["standard", "custom_domain"],
        "version": ["1", "current"],
    }
    random = RandomRequests(api, TENANT, description(), known)
    roles: tuple[Role, ...] = ("owner", "operator")
    for role in roles:
        made, told = random.made(role, examples=examples, seed=seed, phases=phases)
        requests, wrong = requests + made, wrong + told
    return Report(dict(succeeded), requests, wrong)


def _endpoints(api: Api) -> list[str]:
    """Webhook endpoints that are there to be asked for."""
    with api.client(TENANT, "operator") as client:
        body = {"url": "https://shop.example/hooks"}
        made = [client.post("/v1/webhook-endpoints", json=body).json() for _ in range(5)]
        return [one["id"] for one in made]


@contextmanager
def projecting(database_url: str) -> Iterator[None]:
    """The read models follow meanwhile, so that a look that waits for them is answered soon."""
    environment = CommandLine(login(database_url, PROJECTOR)).environment
    with subprocess.Popen([PRORATA, "project"], env=environment, stdout=subprocess.DEVNULL) as process:
        try:
            yield
        finally:
            process.terminate()


def main() -> int:
    """Exit 0: nothing was wrong, and as many requests were made as were asked for."""
    parser = argparse.ArgumentParser(prog="python -m scripts.api.fuzz")
    parser.add_argument("--plays", type=int, default=60, help="times that the story is played")
    parser.add_argument("--examples", type=int, default=60, help="random requests of each route")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--at-least", type=int, default=AT_LEAST, help="requests; fewer are a failure")
    given = parser.parse_args()
    url = Settings.of().database_url
    assert CommandLine(url)("migrate", "--roles").exit_code == 0
    with api_at(url) as api, projecting(url):
        phases = "examples,coverage,fuzzing,stateful"
        found = fuzzed(api, plays=given.plays, examples=given.examples, seed=given.seed, phases=phases)
    least = min(found.succeeded.items(), key=lambda one: one[1])
    told = sum(found.succeeded.values())
    wrong = list(found.wrong)
    if told + found.requests < given.at_least:
        wrong.append(f"fewer requests than {given.at_least}")
    if least[1] < given.plays:
        wrong.append(f"{least[0]} did not succeed each time that it was played")
    print(
        f"{told + found.requests} requests: {told} of the story, {found.requests} random ones"
        f" (seed {given.seed})"
    )
    print(f"each of {len(found.succeeded)} routes succeeded at least {least[1]} times ({least[0]})")
    print("\n".join(wrong[:20]) or "nothing was wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
