"""The shop is the same at two instants of which it depends on the same: who keeps it may show it again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from domain import commands as c
from domain.calendar import Instant
from domain.catalog import Catalogues, parse_catalog
from domain.shop import moment_of, shop
from prorata.simulation.run import VirtualAccount
from tests.reference.prove import history
from tests.support.domain.catalogs import CATALOG_FILE
from tests.support.domain.playing import played

CATALOGUES = Catalogues.always(parse_catalog(CATALOG_FILE.read_bytes()))
BEGIN = datetime(2026, 3, 20, 9, 0, tzinfo=UTC)
SEEDS, BATCH = 160, 20


def _instants(random: Random, account: VirtualAccount) -> list[Instant]:
    """Some from the account's last one on: soon after each other, and around what ends at an instant."""
    last = account.account.last_at
    found = [last, *[last + timedelta(minutes=random.randrange(60 * 24 * 40)) for _ in range(3)]]
    found += [at + timedelta(minutes=random.randrange(300)) for at in found]
    for passed in (*account.account.declines, last):
        found += [max(last, passed + timedelta(hours=24, seconds=offset)) for offset in (-1, 0)]
    payment = account.account.payment
    if payment is not None and payment.waits_until is not None:
        found += [max(last, payment.waits_until + timedelta(seconds=offset)) for offset in (-1, 0)]
    return sorted(found)


@pytest.mark.parametrize("first", range(0, SEEDS, BATCH))
def test_at_moments_that_are_alike_the_shop_is_the_same(first: int) -> None:
    alike = 0
    for seed in range(first, first + BATCH):
        random = Random(seed)
        account = played(history(seed))
        state, catalogues = account.account, account.catalogues
        seen: dict[tuple[object, ...], object] = {}
        for at in _instants(random, account):
            found, moment = shop(state, at, catalogues), moment_of(state, at, catalogues)
            alike += moment in seen
            assert seen.setdefault(moment, found) == found, (seed, at)
    assert alike > BATCH, "some are alike"


def test_a_version_that_comes_into_force_makes_another_moment() -> None:
    account = played(history(3))
    state, at = account.account, account.account.last_at + timedelta(seconds=1)
    [first] = account.catalogues.versions[-1:]
    later = account.catalogues.followed_by(at, first.catalog)
    assert moment_of(state, at - timedelta(seconds=1), later) != moment_of(state, at, later)


def _declined_often() -> VirtualAccount:
    """An account whose last attempts lock further ones (R16)."""
    account = VirtualAccount("EUR", "Europe/Paris", CATALOGUES, BEGIN)
    for _ in range(5):
        request = c.Request(c.PurchasePlan("standard"), BEGIN, "test", cvv=True, billing=True)
        account.give(request, own_payment="declined")
    return account


def _waiting_for_consent() -> VirtualAccount:
    """An account whose payment waits for the customer (R96)."""
    account = VirtualAccount("EUR", "Europe/Paris", CATALOGUES, BEGIN)
    request = c.Request(c.PurchasePlan("standard"), BEGIN, "test", cvv=True, billing=True)
    account.give(request, own_payment="action_required")
    return account


@pytest.mark.parametrize(
    ("account", "ends"),
    [(_declined_often(), timedelta(hours=24)), (_waiting_for_consent(), timedelta(minutes=30))],
    ids=["locked", "waiting"],
)
def test_what_ends_at_an_instant_makes_another_moment_and_another_shop(
    account: VirtualAccount, ends: timedelta
) -> None:
    before, after = (BEGIN + ends + timedelta(seconds=offset) for offset in (-1, 0))
    state, catalogues = account.account, account.catalogues
    assert shop(state, before, catalogues) != shop(state, after, catalogues)
    assert moment_of(state, before, catalogues) != moment_of(state, after, catalogues)
    assert moment_of(state, BEGIN, catalogues)[1:] == moment_of(state, before, catalogues)[1:]
