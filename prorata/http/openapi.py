"""The description of the API (OpenAPI 3.1), made of the table of routes and of the types that they answer.

    described(examples)["paths"]["/v1/accounts/{account}/shop"]["get"]["operationId"]     # "get-shop"

It is committed as `openapi.json`, with examples that the real code made (`scripts.api`), and served so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from prorata.http.commands_table import CommandRoute
from prorata.http.documentation import DESCRIPTION as FILE
from prorata.http.documentation import TAG as DOCUMENTATION
from prorata.http.problems import STATUSES, Problem
from prorata.http.route import Route
from prorata.http.table import routes
from service.commands import AnswerLine, line_fields

VERSION: Final = "1.0.0"
"""Of the API; its major number is that of the paths."""

_ABOUT: Final = (
    "Bills accounts that hold plans and add-ons. Commands are verbs, what can be seen is a resource; amounts "
    "are decimal strings, dates and instants ISO 8601. See docs/api.md."
)
__all__ = ["FILE", "VERSION", "Refusal", "body_name", "described"]

_REF: Final = "#/components/schemas/{name}"

Examples = Mapping[str, Mapping[str, Any]]
"""By operationId: `body`, `answer` and `path`, as the real code had them."""


class Refusal(Problem, frozen=True, kw_only=True):
    """The problem of a command that was not done: the answer's own fields stand beside."""

    outcome: str | msgspec.UnsetType = msgspec.UNSET
    account: str | msgspec.UnsetType | None = msgspec.UNSET
    id: str | msgspec.UnsetType | None = msgspec.UNSET
    charged: str | msgspec.UnsetType | None = msgspec.UNSET
    lines: list[dict[str, Any]] | msgspec.UnsetType = msgspec.UNSET
    renews_on: str | msgspec.UnsetType | None = msgspec.UNSET
    version: int | msgspec.UnsetType | None = msgspec.UNSET
    events: list[str] | msgspec.UnsetType = msgspec.UNSET


def described(examples: Examples) -> dict[str, Any]:
    """The whole description."""
    known = [route for route in routes() if route.tag != DOCUMENTATION]
    schemas = _schemas(known)
    paths: dict[str, Any] = {}
    for route in known:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(
            route, examples.get(route.name, {})
        )
    return {
        "openapi": "3.1.0",
        "info": {"title": "Prorata", "version": VERSION, "description": _ABOUT},
        "servers": [{"url": "/"}],
        "security": [{"key": []}],
        "tags": [{"name": name} for name in dict.fromkeys(route.tag for route in known)],
        "paths": paths,
        "components": _plain_patterns(
            {
                "securitySchemes": {
                    "key": {"type": "http", "scheme": "bearer", "description": "An API key: prk_…"}
                },
                "responses": {
                    "Problem": _response("What went wrong (RFC 9457).", "Problem"),
                    "Refusal": _response("The command was not done, and why (RFC 9457).", "Refusal"),
                },
                "schemas": schemas,
            }
        ),
    }


def _plain_patterns(value: Any) -> Any:
    """The same with patterns as JSON Schema writes them, and descriptions of one line."""
    if isinstance(value, dict):
        if isinstance(value.get("anyOf"), list):
            value = {**value, "anyOf": _one_enum(value["anyOf"])}
        return {name: _plain_text(name, entry) for name, entry in value.items()}
    return [_plain_patterns(entry) for entry in value] if isinstance(value, list) else value


def _one_enum(choices: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The choices with all that list values as one: generators of types know no union of lists."""
    listed = [one for one in choices if one.keys() == {"enum"}]
    if len(listed) < 2:
        return choices
    values = sorted(dict.fromkeys(value for one in listed for value in one["enum"]))
    return [{"enum": values}, *(one for one in choices if one not in listed)]


def _plain_text(name: str, value: Any) -> Any:
    if not isinstance(value, str):
        return _plain_patterns(value)
    if name == "pattern":
        return value.replace(r"\A", "^").replace(r"\Z", "$")
    return " ".join(value.split()) if name == "description" else value


def body_name(command: CommandRoute) -> str:
    """What the schema of a command's body is called."""
    return f"{command.kind.__name__}Body"


def _schemas(known: Iterable[Route]) -> dict[str, Any]:
    types = [one for route in known for one in (route.returns, route.body) if isinstance(one, type)]
    commands = {route.body.name: route.body for route in known if isinstance(route.body, CommandRoute)}
    wanted = [*dict.fromkeys([*types, *(one.kind for one in commands.values())]), Problem, Refusal]
    _, schemas = msgspec.json.schema_components(wanted, schema_hook=_any, ref_template=_REF)
    fields, more = line_fields()
    schemas |= more
    for command in commands.values():
        schemas[body_name(command)] = _body(command, schemas[command.kind.__name__], fields)
    for command in commands.values():
        schemas.pop(command.kind.__name__, None)
    schemas["Problem"]["properties"]["code"]["enum"] = sorted(STATUSES)
    for name in (route.body.__name__ for route in known if isinstance(route.body, type)):
        schemas[name]["additionalProperties"] = False
    return dict(sorted(schemas.items()))


def _any(kind: type) -> dict[str, Any]:
    """The schema of what msgspec knows none for: any value."""
    if kind is object:
        return {"description": "Any value."}
    raise NotImplementedError(kind)


def _body(
    command: CommandRoute, own: dict[str, Any], fields: Mapping[type, Mapping[str, Any]]
) -> dict[str, Any]:
    properties = {name: schema for name, schema in own["properties"].items() if name != "do"}
    properties |= {name: schema for name, schema in fields[command.kind].items() if name not in properties}
    return {
        "title": body_name(command),
        "description": command.summary,
        "type": "object",
        "properties": properties,
        "required": [name for name in own.get("required", []) if name != "do"],
        "additionalProperties": False,
    }


def _operation(route: Route, example: Mapping[str, Any]) -> dict[str, Any]:
    names = [part[1:-1] for part in route.path.split("/") if part.startswith("{")]
    paths = example.get("path", {})
    found: dict[str, Any] = {
        "operationId": route.name,
        "summary": route.summary,
        "tags": [route.tag],
        "parameters": [
            *(_of_path(name, paths.get(name)) for name in names),
            *(
                {"name": one.name, "in": one.place, "description": one.about, "schema": one.schema}
                | ({"required": True} if one.required else {})
                for one in route.all_parameters
            ),
        ],
        "responses": _responses(route, example),
    }
    if route.roles is None:
        found["security"] = []
    else:
        found["description"] = f"Keys that may ask: {', '.join(sorted(route.roles))}."
    if route.body is not None:
        found["requestBody"] = _request_body(route, example)
    return found


def _of_path(name: str, example: Any) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string", "minLength": 1, "maxLength": 200}
    found = {"name": name, "in": "path", "required": True, "schema": schema}
    return found if example is None else {**found, "example": example}


def _request_body(route: Route, example: Mapping[str, Any]) -> dict[str, Any]:
    name = body_name(route.body) if isinstance(route.body, CommandRoute) else route.body.__name__
    content: dict[str, Any] = {"schema": {"$ref": _REF.format(name=name)}}
    if "body" in example:
        content["example"] = example["body"]
    return {"required": True, "content": {"application/json": content}}


def _responses(route: Route, example: Mapping[str, Any]) -> dict[str, Any]:
    schema = (
        {"type": "object"} if route.returns is None else {"$ref": _REF.format(name=route.returns.__name__)}
    )
    if route.media_type.startswith("text/"):
        schema = {"type": "string"}
    content: dict[str, Any] = {"schema": schema}
    if "answer" in example:
        content["example"] = example["answer"]
    done = {"description": "Done.", "content": {route.media_type: content}}
    if route.returns is not None and route.media_type == "application/json":
        done["headers"] = {"X-Request-Id": {"schema": {"type": "string"}}}
    found: dict[str, Any] = {str(status): done for status in (route.status, *route.also)}
    if route.name == "readyz":
        found["503"] = {**done, "description": "Not ready, and why."}
    kind = "Refusal" if route.returns is AnswerLine else "Problem"
    refused = {"$ref": f"#/components/responses/{kind}"}
    return found | {str(status): refused for status in _statuses(route)} | {"default": refused}


def _statuses(route: Route) -> list[int]:
    if route.roles is None:
        return []
    found = {400, 401, 403, 422, 429, 503}
    if "{" in route.path:
        found.add(404)
    if route.body is not None:
        found |= {413, 415, 404, 409}
    if route.returns is AnswerLine and not route.path.endswith("/preview"):
        found |= {402, 412}
    return sorted(found)


def _response(about: str, name: str) -> dict[str, Any]:
    schema = {"$ref": _REF.format(name=name)}
    return {"description": about, "content": {"application/problem+json": {"schema": schema}}}
