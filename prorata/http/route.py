"""What a route is: a row of the one table that the server, its description and the tests are made of."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final, Literal, TypeAlias

import msgspec

from prorata.http.call import Answered, Call
from prorata.http.desk import Desk
from prorata.http.problems import refuse
from prorata.keys.key import ROLES, Role

Method = Literal["GET", "POST", "PUT", "DELETE"]
Answer: TypeAlias = Callable[[Desk, Call], Awaitable[Answered]]

LOOK: Final[frozenset[Role]] = frozenset(["owner", "admin", "manager", "support", "finance", "operator"])
"""Who may see billing (R43, R60): not authors and viewers, nor a provider."""
USE: Final[frozenset[Role]] = frozenset(ROLES) - {"provider"}
"""Who may ask what can be used."""
OPERATE: Final[frozenset[Role]] = frozenset(["operator"])
COMMAND: Final[frozenset[Role]] = frozenset(ROLES)
"""Who may give commands: the domain says which role may give which (R43, R60)."""


class Parameter(msgspec.Struct, frozen=True):
    """A parameter of the query, or a header. `schema`: JSON Schema of its value."""

    name: str
    about: str
    schema: dict[str, Any]
    place: Literal["query", "header"] = "query"
    required: bool = False


WAIT: Final = Parameter(
    "wait",
    "Seconds for which to wait until the read models have every event of the account that is in the log, so "
    "that a caller reads what it wrote. Where they have not, the answer is made of the log itself.",
    {"type": "number", "minimum": 0, "maximum": 30},
)
"""Of every look: also where no read model is asked, so that a caller need not know."""


class Route(msgspec.Struct, frozen=True):
    """A route. `roles`: of the keys that may ask, None: it needs no key. `body`, `returns`: JSON Schemas, or
    types that they are made of. `answer`: what answers it."""

    method: Method
    path: str
    name: str
    summary: str
    roles: frozenset[Role] | None
    answer: Answer
    returns: Any = None
    body: Any = None
    parameters: tuple[Parameter, ...] = ()
    status: int = 200
    also: tuple[int, ...] = ()
    tag: str = "accounts"
    media_type: str = "application/json"

    @property
    def litestar_path(self) -> str:
        """The path as Litestar writes it."""
        return self.path.replace("}", ":str}")

    @property
    def all_parameters(self) -> tuple[Parameter, ...]:
        """With those that routes of its kind have."""
        looks = self.method == "GET" and self.roles is not None and self.media_type == "application/json"
        return (*self.parameters, WAIT) if looks else self.parameters

    @property
    def queried(self) -> frozenset[str]:
        """The parameters of its query."""
        return frozenset(one.name for one in self.all_parameters if one.place == "query")

    async def answered(self, desk: Desk, call: Call) -> Answered:
        """The answer to the call, if its key may ask it and its parameters are known here."""
        call.route = self.name
        if self.roles is not None and call.key is None:
            raise refuse("key_missing", "give an API key: Authorization: Bearer prk_…", place="Authorization")
        if self.roles is not None and call.caller.role not in self.roles:
            raise refuse(
                "forbidden",
                "this API key's role may not ask this",
                facts={"role": call.caller.role, "allowed": sorted(self.roles)},
            )
        if unknown := call.query.keys() - self.queried:
            name = min(unknown)
            raise refuse("unknown_parameter", f"there is no parameter {name[:40]!r} here", place=name[:40])
        _ = call.wait
        if call.fields is not None and self.body is None:
            raise refuse("unknown_field", "this takes no body", place="$")
        return await self.answer(desk, call)


def public_paths(known: Iterable[Route]) -> Callable[[str], bool]:
    """Whether a path is of routes that need no key, and of no other."""
    patterns: dict[bool, list[str]] = {True: [], False: []}
    for route in known:
        parts = re.split(r"\{[a-z_]+\}", route.path)
        patterns[route.roles is None].append("[^/]+".join(map(re.escape, parts)))
    public, keyed = (re.compile("|".join(patterns[which]) or "$^") for which in (True, False))

    def is_public(path: str) -> bool:
        return public.fullmatch(path) is not None and keyed.fullmatch(path) is None

    return is_public
