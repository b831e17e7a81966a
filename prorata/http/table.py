"""The table of routes: all that the API answers."""

from __future__ import annotations

from functools import lru_cache

from prorata.http import accounts, entitlements, health
from prorata.http.commands import command_routes
from prorata.http.route import Route


@lru_cache(maxsize=1)
def routes() -> tuple[Route, ...]:
    """Every route."""
    return (*accounts.ROUTES, *command_routes(), *entitlements.ROUTES, *health.ROUTES)
