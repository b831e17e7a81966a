"""The API's description: complete, true of what is answered, and compatible with what was published."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any, get_args

import httpx
import msgspec
import pytest

from domain import commands as c
from prorata.http.commands_table import COMMANDS
from prorata.http.openapi import FILE, described
from prorata.http.table import routes
from scripts.api.description import FIRST, asker, steady
from scripts.api.fuzz import differences, validator
from scripts.api.story import Done, played
from service.asked import Asked, OpenLine
from tests.support.http_api import Api

DESCRIPTION: dict[str, Any] = msgspec.json.decode(FILE.read_bytes())


@pytest.fixture(scope="module")
def story(api: Api) -> list[Done]:
    """The story of all routes, played once."""
    return list(played(asker(api, "described"), FIRST))


def test_every_command_of_the_domain_has_a_route() -> None:
    kinds = {*get_args(c.Command), *get_args(Asked)} - {c.OpenAccount, OpenLine}
    assert {route.kind for route in COMMANDS} == kinds
    assert len({route.name for route in COMMANDS}) == len(COMMANDS)


def test_every_route_is_played_and_succeeds(story: list[Done]) -> None:
    refused = [(done.route.name, done.answer) for done in story if done.status >= 400]
    assert refused == []
    of_the_api = {route.name for route in routes() if route.tag != "documentation"}
    assert of_the_api - {done.route.name for done in story} == {
        "stream-events",
        "take-provider-message",  # it is signed by a provider: test_stripe_command_line
    }


def test_every_answer_of_the_story_is_as_the_description_says(story: list[Done]) -> None:
    for done in story:
        assert differences(done) == []
        if done.step.body is not None:
            operation = DESCRIPTION["paths"][done.route.path][done.route.method.lower()]
            content = operation["requestBody"]["content"]["application/json"]
            assert list(validator(content).iter_errors(done.step.body)) == []


def test_the_committed_description_follows_from_the_code_and_its_answers(story: list[Done]) -> None:
    again = described(_examples_of(DESCRIPTION))
    assert msgspec.json.decode(msgspec.json.encode(again)) == DESCRIPTION, "run `make api`"
    told = {(done.route.name): done for done in reversed(story)}
    for path, operations in DESCRIPTION["paths"].items():
        for method, operation in operations.items():
            done = told.get(operation["operationId"])
            if done is None or not isinstance(done.answer, dict) or _counts_positions(done):
                continue
            shown = operation["responses"][str(done.status)]["content"][done.route.media_type]["example"]
            answer = steady(done.answer)
            assert _without_positions(answer) == _without_positions(shown), (method, path, "run `make api`")


def _counts_positions(done: Done) -> bool:
    """Whether its example depends on what else is in the database: lists of the tenant, versions loaded."""
    return done.route.name in ("list-accounts", "list-events", "load-catalogue", "list-catalogues") or (
        done.route.tag == "catalogues"
    )


_OF_THE_LOG = ("position", "revision")


def _without_positions(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _without_positions(entry) for k, entry in value.items() if k not in _OF_THE_LOG}
    return [_without_positions(entry) for entry in value] if isinstance(value, list) else value


def _examples_of(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for operations in document["paths"].values():
        for operation in operations.values():
            example: dict[str, Any] = {
                "path": {p["name"]: p["example"] for p in operation["parameters"] if "example" in p}
            }
            if "requestBody" in operation:
                content = operation["requestBody"]["content"]["application/json"]
                example |= {"body": content["example"]} if "example" in content else {}
            for response in operation["responses"].values():
                for content in response.get("content", {}).values():
                    example |= {"answer": content["example"]} if "example" in content else {}
            found[operation["operationId"]] = example
    return found


def test_the_documentation_asks_no_other_host(api: Api) -> None:
    page = httpx.get(f"{api.url}/docs")
    assert page.status_code == 200
    assert "default-src 'self'" in page.headers["Content-Security-Policy"]
    asked = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert all(link.startswith(("/docs/", "data:")) for link in asked)
    for link in [link for link in asked if link.startswith("/")]:
        assert httpx.get(api.url + link).status_code == 200
    assert httpx.get(f"{api.url}/openapi.json").json() == DESCRIPTION


def test_every_problem_has_a_page_of_its_own(api: Api) -> None:
    known = httpx.get(f"{api.url}/docs/problems/already_active").json()
    assert known == {"code": "already_active", "status": 409, "rule": "R17"}
    assert httpx.get(f"{api.url}/docs/problems/nonsense").status_code == 404


def test_a_generator_of_others_makes_types_of_the_description_that_read_real_answers(
    story: list[Done], tmp_path: Path
) -> None:
    made = tmp_path / "prorata_types.py"
    generator = str(Path(sys.executable).with_name("datamodel-codegen"))
    of_what = ["--input", str(FILE), "--input-file-type", "openapi", "--output", str(made)]
    how = ["--output-model-type", "msgspec.Struct", "--target-python-version", "3.11", "--disable-timestamp"]
    subprocess.run([generator, *of_what, *how], check=True, capture_output=True)
    [answer] = [done.answer for done in story if done.route.name == "get-entitlement"]
    (tmp_path / "answer.json").write_bytes(msgspec.json.encode(answer))
    program = (
        "import sys, msgspec, prorata_types as types\n"
        "read = msgspec.json.decode(open('answer.json','rb').read(), type=types.EntitlementAnswer)\n"
        "print(read.product, read.usable, read.access_until)\n"
    )
    line = [sys.executable, "-c", program]
    done = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [answer["product"], str(answer["usable"]), str(answer["access_until"])]
