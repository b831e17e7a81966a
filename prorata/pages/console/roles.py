"""What each role may see: by the API's own table of routes, so that the console shows nobody more than the
API tells them."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from domain.decide import STAFF
from prorata.http.problems import refuse
from prorata.http.route import LOOK, OPERATE
from prorata.http.table import routes
from prorata.keys.key import ApiKey

OWN: Final[dict[str, frozenset[str]]] = {
    "console": LOOK,
    "operate": OPERATE,
    "correct": frozenset(STAFF),
    "books": frozenset(["owner", "finance", "operator"]),
}
"""What no route of the API shows: the console itself, how the system stands, the books; and the corrections,
whose routes are open to every key, as the domain says who may give them (R60)."""


@lru_cache(maxsize=1)
def _of_routes() -> dict[str, frozenset[str]]:
    return {route.name: frozenset(route.roles) for route in routes() if route.roles is not None}


def roles_of(what: str) -> frozenset[str]:
    """Who may see what that route of the API shows, or what stands in OWN."""
    return OWN[what] if what in OWN else _of_routes()[what]


def may(key: ApiKey, what: str) -> bool:
    """Whether the key's role may see it."""
    return key.role in roles_of(what)


def check(key: ApiKey, what: str) -> None:
    """Raise ProblemFound `forbidden` for a role that may not."""
    if not may(key, what):
        allowed = sorted(roles_of(what))
        message = "the role of the API key that you signed in with may not see this"
        raise refuse("forbidden", message, facts={"role": key.role, "allowed": allowed})
