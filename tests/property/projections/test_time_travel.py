"""The past of random histories: a fold of a prefix, the same whenever it is asked, and a difference that
leaves nothing out."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import events as e
from domain.calendar import Instant
from domain.evolve import evolve_all
from domain.later import account_later
from domain.state import Account
from domain.views import entitlements
from projections.history.as_of import AtInstant, AtVersion, KnownAt, counted
from projections.history.changes import Field, FieldChange, between, changes, shown
from projections.history.past import past
from prorata.simulation.run import Method
from prorata.wording import Wording
from prorata.wording.changes import changes_said
from tests.reference.stories import story as told
from tests.reference.switches import drawn
from tests.support.domain.histories import histories
from tests.support.domain.playing import fork, played
from tests.support.projections.looking_back import BEGIN, logged, look, moments


def both_parts() -> st.SearchStrategy[dict[str, Any]]:
    """Stories with some of the second part's features: none, one, a few, or all."""

    def with_some(seed: int) -> dict[str, Any]:
        random = Random(seed)
        return told(random, 30, drawn(random))

    return st.integers(0, 2**32).map(with_some)


@histories
@given(both_parts(), st.integers(0, 10_000))
def test_at_a_version_an_account_is_the_fold_of_its_events_so_far(story: dict[str, Any], cut: int) -> None:
    history = played(story).history
    version = 1 + cut % len(history)
    events = logged(history)
    found = look(events, AtVersion(version))
    assert found.recorded == found.state == evolve_all(None, history[:version])
    assert (found.last.version, found.by_time) == (version, ())
    held = {entitlement.product: entitlement for entitlement in found.entitlements.entitlements}
    assert held == entitlements(found.recorded)


@histories
@given(both_parts())
def test_an_account_s_events_take_effect_in_their_order(story: dict[str, Any]) -> None:
    """But for what concludes a payment: as of its intent, whatever was corrected meanwhile (R96)."""
    intents: set[Instant] = set()
    last: Instant | None = None
    for event in played(story).history:
        assert last is None or event.at >= last or event.at in intents
        last = event.at if last is None else max(last, event.at)
        if isinstance(event, e.PaymentStarted | e.CyclesRenewed):
            intents.add(event.at)


@histories
@given(both_parts(), st.integers(0, 2**32))
def test_what_is_known_only_grows(story: dict[str, Any], seed: int) -> None:
    account, random = played(story), Random(seed)
    events = logged(account.history)
    at = random.choice(moments(account))
    hours = sorted(random.randrange(len(events) + 2) for _ in range(4))
    known = [
        [stored.version for stored in counted(events, AtInstant(at), KnownAt(BEGIN + timedelta(hours=hour)))]
        for hour in hours
    ]
    for fewer, more in pairwise(known):
        assert more[: len(fewer)] == fewer
    late = BEGIN + timedelta(hours=len(events))
    assert past(events, AtInstant(at), known_at=late) == msgspec.structs.replace(
        look(events, AtInstant(at)), known_at=late
    )


@histories
@given(both_parts())
def test_between_two_events_of_a_settled_history_time_alone_does_nothing(story: dict[str, Any]) -> None:
    account = played(story)
    events = logged(account.history)
    last = account.account.last_at
    for at in moments(account):
        if at <= last:
            assert look(events, AtInstant(at)).by_time == ()


@histories
@given(both_parts(), st.integers(1, 400), st.booleans())
def test_what_ends_by_time_alone_ends_just_so_when_it_is_settled(
    story: dict[str, Any], days: int, works: bool
) -> None:
    account = played(story)
    at = account.account.last_at + timedelta(days=days)
    alone, _ = account_later(account.account, at)
    settled = fork(account)
    settled.method = Method(works)
    settled.settle(at)
    after = entitlements(settled.account)
    known = entitlements(account.account)
    paid_after_all = {product for product, one in known.items() if one.status == "suspended" and works}
    for product, alone_says in entitlements(alone).items():
        ended = alone_says.status == "ended" and known[product].status != "ended"
        if ended and product not in paid_after_all:
            assert after[product] == alone_says


@histories
@given(both_parts(), st.integers(0, 2**32))
def test_the_same_look_twice_differs_in_nothing(story: dict[str, Any], seed: int) -> None:
    account = played(story)
    events = logged(account.history)
    at = Random(seed).choice(moments(account))
    one, other = look(events, AtInstant(at)), look(events, AtInstant(at))
    assert changes(one, other, events) == ()
    assert between(one, other, events) == ()


@pytest.mark.timeout(300)
@histories
@given(both_parts())
def test_every_event_s_difference_names_all_that_it_changed_and_says_so(story: dict[str, Any]) -> None:
    account = played(story)
    events = logged(account.history)
    say = Wording("fr")
    looks = [look(events, AtVersion(version)) for version in range(1, len(events) + 1)]
    for before, after in pairwise(looks):
        version = after.last.version
        found = changes(before, after, events)
        by_event = [change for change in found if change.field != "usable" or change.because]
        assert [change.because for change in by_event] == [(version,)] * len(by_event)
        assert undone(found, shown(after)) == shown(before)
        if not found:
            assert kept(before.state) == kept(after.state)
        told = changes_said(found, before, after, say)
        assert bool(told) == bool(found)
        assert all("{" not in one.sentence for one in told)


@histories
@given(both_parts(), st.integers(0, 2**32))
def test_a_difference_back_is_the_difference_forth_turned_round(story: dict[str, Any], seed: int) -> None:
    account, random = played(story), Random(seed)
    events = logged(account.history)
    one, other = (look(events, AtInstant(random.choice(moments(account)))) for _ in range(2))
    forth, back = changes(one, other, events), changes(other, one, events)
    assert [turned(change) for change in forth] == list(back)
    for change in forth:
        if not change.because:
            assert one.by_time or other.by_time or one.at != other.at


def turned(change: FieldChange) -> FieldChange:
    return msgspec.structs.replace(change, before=change.after, after=change.before)


def undone(found: tuple[FieldChange, ...], later: dict[Field, Any]) -> dict[Field, Any]:
    """What the later look shows, without the changes."""
    for change in found:
        field = Field(change.subject, change.of, change.field)
        assert later.get(field) == change.after
        later.pop(field, None)
        if change.before is not None:
            later[field] = change.before
    return later


def kept(state: Account) -> Account:
    """The state without its bookkeeping."""
    records = {
        number: msgspec.structs.replace(record, reminded=False) for number, record in state.records.items()
    }
    return msgspec.structs.replace(
        state,
        version=0,
        last_at=BEGIN,
        commands={},
        forgotten_commands=False,
        next_invoice=0,
        records=records,
    )
