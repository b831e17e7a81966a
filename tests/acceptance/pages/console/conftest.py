"""Accounts with a story, in two tenants, and staff of each role."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.console import SignIn, Staff, told
from tests.support.http_api import Api


@pytest.fixture(scope="session")
def account(api: Api) -> str:
    """An account of the tenant `acme` that lived through the story."""
    told(api, "told")
    return "told"


@pytest.fixture(scope="session")
def foreign(api: Api) -> str:
    """An account of another tenant with the same story, and an id of its own."""
    told(api, "theirs-alone", "globex")
    return "theirs-alone"


@pytest.fixture
def staff(api: Api) -> Iterator[SignIn]:
    """Staff who signed in with a key of a role."""
    browsers: list[Staff] = []

    def entered(role: str = "support", tenant: str = "acme", language: str = "en") -> Staff:
        browsers.append(Staff(api, role, tenant, language))
        return browsers[-1]

    yield entered
    for browser in browsers:
        browser.close()
