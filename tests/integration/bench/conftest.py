"""The benchmarks measure on the server of PRORATA_DATABASE_URL: here that of the tests."""

from __future__ import annotations

import pytest


@pytest.fixture
def server(database_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Its address, set as a user would set it."""
    monkeypatch.setenv("PRORATA_DATABASE_URL", database_url)
    return database_url
