"""Random requests of the description, made by schemathesis: on accounts that exist, and following links from
what a request made to all that can be asked of it.

    made, wrong = RandomRequests(api, "fuzzed", known).made("owner", examples=25, seed=1, phases="fuzzing")
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import msgspec

from prorata.http.table import routes
from prorata.keys.key import Role
from tests.support.http_api import Api

CHECKS: Final = (
    "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,"
    "response_schema_conformance,negative_data_rejection,unsupported_method,ignored_auth,use_after_free"
)

OPERATORS: Final = ("catalogues", "webhooks")
"""Tags of the routes that an operator's key asks; all others an owner's does."""

REJECTED: Final = (400, 401, 403, 404, 405, 406, 408, 409, 410, 412, 413, 414, 415, 422, 429, 431, 503)
"""Statuses that an invalid request may be answered: with an If-Match of another version it is 412, whatever
else is wrong (RFC 9110, 13.2.2)."""

KNOWN: Final = 0.9
"""How often a parameter is something that exists."""

_CASES: Final = re.compile(r"^\s*(\d+) generated", re.MULTILINE)
_FAILURES: Final = re.compile(r"=+ (?:FAILURES|ERRORS) =+\n(.*?)(?==+ (?:WARNINGS|SUMMARY) =+)", re.DOTALL)


class RandomRequests:
    """On a running API. `known`: path parameter → what exists of its kind."""

    def __init__(
        self, api: Api, tenant: str, description: Mapping[str, Any], known: Mapping[str, Sequence[str]]
    ) -> None:
        self._api, self._tenant, self._known = api, tenant, known
        self._description = linked(description)

    def made(self, role: Role, *, examples: int, seed: int, phases: str) -> tuple[int, list[str]]:
        """How many requests were made with a key of that role, and what was wrong."""
        choice = "--include-tag" if role == "operator" else "--exclude-tag"
        tags = [word for tag in OPERATORS for word in (choice, tag)]
        key = self._api.key(self._tenant, role)
        with TemporaryDirectory() as folder:  # it keeps what it found where it runs
            Path(folder, "openapi.json").write_bytes(msgspec.json.encode(self._description))
            Path(folder, "schemathesis.toml").write_text(self._settings(), encoding="utf-8")
            program = str(Path(sys.executable).with_name("schemathesis"))
            asked = ["openapi.json", "--url", self._api.url, "-H", f"Authorization: Bearer {key}", *tags]
            how = ["--seed", str(seed), "-n", str(examples), "--phases", phases, "-c", CHECKS]
            more = ["--continue-on-failure", "--warnings", "off", "--exclude-operation-id", "stream-events"]
            line = [program, "--no-color", "run", *asked, *how, *more]
            done = subprocess.run(line, cwd=folder, capture_output=True, text=True, check=False)
        made = sum(int(found) for found in _CASES.findall(done.stdout))
        if done.returncode == 0:
            return made, []
        return made, _FAILURES.findall(done.stdout) or [done.stdout[-6_000:] + done.stderr[-2_000:]]

    def _settings(self) -> str:
        lines = [
            "[checks.negative_data_rejection]",
            f"expected-statuses = {list(REJECTED)}",
            *(f"[dictionaries.{name}]\nvalues = {list(values)}" for name, values in self._known.items()),
            "[parameters]",
            *(f'"path.{name}" = {{ dictionary = "{name}", probability = {KNOWN} }}' for name in self._known),
        ]
        return "\n".join(lines) + "\n"


_MAKES: Final = {"open-account": ("account", "account"), "create-webhook-endpoint": ("endpoint", "id")}
"""Route → the parameter of others that it makes one of, and the field of its answer that has it."""


def linked(description: Mapping[str, Any]) -> dict[str, Any]:
    """The description with links from what makes something to all that is asked of that."""
    found: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(description))
    by_name = {route.name: route for route in routes()}
    for maker, (parameter, field) in _MAKES.items():
        made = by_name[maker]
        done = found["paths"][made.path][made.method.lower()]["responses"][str(made.status)]
        done["links"] = {
            route.name: {
                "operationId": route.name,
                "parameters": {parameter: f"$response.body#/{field}"},
            }
            for route in routes()
            if f"{{{parameter}}}" in route.path and route.name != "stream-events"
        }
    return found
