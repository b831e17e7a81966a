"""A link that a company's sign-in has signed is read; a forged, late or far-reaching one is not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from prorata.portal.sessions import LINK_LASTS
from prorata.portal.signed import SignedLink, read, signed

SECRET, NOW = "s" * 32, datetime(2026, 4, 1, 9, tzinfo=UTC)
LINK = SignedLink("acme", "a1", NOW + timedelta(minutes=5), "n1", "fr")


def test_a_signed_link_is_read() -> None:
    assert read(SECRET, signed(SECRET, LINK), NOW) == LINK


def test_a_link_that_is_over_or_reaches_too_far_opens_nothing() -> None:
    text = signed(SECRET, LINK)
    assert read(SECRET, text, LINK.expires_at) is None
    assert read(SECRET, text, LINK.expires_at - LINK_LASTS - timedelta(seconds=1)) is None


@pytest.mark.parametrize("text", ["", ".", "x.y", "é.é", "a" * 9_000])
def test_what_is_no_signed_link_opens_nothing(text: str) -> None:
    assert read(SECRET, text, NOW) is None


def test_a_link_that_was_changed_or_signed_with_another_secret_opens_nothing() -> None:
    other = signed("t" * 32, LINK)
    contents = signed(SECRET, LINK).partition(".")[0]
    another = signed(SECRET, SignedLink("acme", "a2", LINK.expires_at, "n1")).partition(".")[2]
    for text in (other, f"{contents}.{another}", f"{contents}."):
        assert read(SECRET, text, NOW) is None
