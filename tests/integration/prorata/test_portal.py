"""Links are for one use, sessions see one account, and neither can be read from the tables."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from domain.errors import InvalidInput
from prorata.migrations import migrations
from prorata.portal.sessions import IDLE, LINK_LASTS, SESSION_LASTS, PortalSessions, ReturnUrls
from prorata.roles import SERVICE
from tests.support.roles import login, migrated

NOW = datetime(2026, 4, 1, 9, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@pytest.fixture
def portal(database_url: str) -> Iterator[PortalSessions]:
    with closing(PortalSessions(login(migrated(database_url, migrations()), SERVICE))) as portal:
        yield portal


def test_a_link_is_exchanged_once_however_many_try(portal: PortalSessions) -> None:
    link = portal.link("acme/a1", "fr", "https://shop.example/back", NOW)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: portal.exchange(link.token, NOW), range(8)))
    [session] = [one for one in found if one is not None]
    assert (session.account_id, session.language, session.return_url) == (
        "acme/a1", "fr", "https://shop.example/back",
    )  # fmt: skip
    assert portal.session(session.token, NOW) == session


def test_a_link_is_over_after_fifteen_minutes(portal: PortalSessions) -> None:
    first, second = (portal.link("acme/a1", "en", None, NOW) for _ in range(2))
    assert portal.exchange(first.token, NOW + LINK_LASTS - SECOND) is not None
    assert portal.exchange(second.token, NOW + LINK_LASTS) is None


def test_a_session_goes_on_while_it_is_used_for_half_a_day_at_most(portal: PortalSessions) -> None:
    session = portal.exchange(portal.link("acme/a1", "en", None, NOW).token, NOW)
    assert session is not None
    at = NOW
    while at + IDLE - SECOND < NOW + SESSION_LASTS:
        at += IDLE - SECOND
        assert portal.session(session.token, at) is not None
    assert portal.session(session.token, NOW + SESSION_LASTS) is None


def test_a_session_that_is_not_used_is_over(portal: PortalSessions) -> None:
    session = portal.exchange(portal.link("acme/a1", "en", None, NOW).token, NOW)
    assert session is not None
    assert portal.session(session.token, NOW + IDLE) is None


def test_a_session_that_was_ended_is_over(portal: PortalSessions) -> None:
    session = portal.exchange(portal.link("acme/a1", "en", None, NOW).token, NOW)
    assert session is not None
    portal.end(session.token)
    assert portal.session(session.token, NOW) is None


def test_no_table_holds_a_token(portal: PortalSessions, database_url: str) -> None:
    link = portal.link("acme/a1", "en", None, NOW)
    session = portal.exchange(link.token, NOW)
    assert session is not None
    with psycopg.connect(database_url) as connection:
        rows = connection.execute(
            "select l::text from portal.links l union all select s::text from portal.sessions s"
        ).fetchall()
    held = " ".join(row for (row,) in rows)
    for token in (link.token, session.token):
        assert token not in held
        assert token.encode().hex() not in held
        assert token not in repr(link) + repr(session)


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/", "https://shop.example.evil.example/", "https://shop.example@evil.example/",
        "http://shop.example/", "//shop.example/", "javascript:alert(1)", "https://shop.example:444/",
        "https://shop.example\\@evil.example/", "https://shop.example/\n", "https://shop.exämple/", "",
    ],
)  # fmt: skip
def test_a_page_leads_back_to_no_stranger(url: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        ReturnUrls("https://shop.example, https://other.example:8443").check(url, "$.return_url")
    assert refused.value.code == "return_url_refused"


@pytest.mark.parametrize("url", ["https://shop.example/a?b=c", "https://other.example:8443/"])
def test_a_page_leads_back_to_the_origins_that_are_named(url: str) -> None:
    assert ReturnUrls("https://shop.example, https://other.example:8443").check(url, "$") == url
