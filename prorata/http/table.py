"""The table of routes: all that the API answers."""

from __future__ import annotations

from functools import lru_cache

from prorata.http import (
    accounts,
    catalogues,
    documentation,
    documents,
    entitlements,
    events,
    health,
    persons,
    portal,
    provider,
    stories,
    views,
    webhooks,
)
from prorata.http.commands import command_routes
from prorata.http.route import Route


@lru_cache(maxsize=1)
def routes() -> tuple[Route, ...]:
    """Every route."""
    return (
        *accounts.ROUTES,
        *command_routes(),
        *views.ROUTES,
        *entitlements.ROUTES,
        *documents.ROUTES,
        *stories.ROUTES,
        *events.ROUTES,
        *catalogues.ROUTES,
        *persons.ROUTES,
        *portal.ROUTES,
        *provider.ROUTES,
        *webhooks.ROUTES,
        *health.ROUTES,
        *documentation.ROUTES,
    )
