"""Events are posted to endpoints: signed, in the order of each account, until they are taken in."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from threading import Event, Thread
from typing import Any

import psycopg
import pytest

from consumers.webhooks import endpoints, queues
from consumers.webhooks.addresses import Addresses
from consumers.webhooks.delivering import Delivering
from consumers.webhooks.endpoints import NewEndpoint
from consumers.webhooks.sending import Sender
from domain.commands import PurchaseAddon, PurchasePlan, RemoveAddon
from domain.errors import InvalidInput
from eventlog.postgres.connect import connect
from tests.support.projections.fold_driver import ACCOUNT, Billing
from tests.support.webhooks.hooks import LOCAL, Hooks
from tests.support.webhooks.receiver import Behaviour, Receiver, receiver, until


def with_domain(billing: Billing, account: str = ACCOUNT) -> None:
    billing.open(account, "2026-03-20", clock="test")
    billing.give(account, PurchasePlan("standard"), "2026-03-20")
    billing.give(account, PurchaseAddon("custom_domain"), "2026-04-05T12:00")


def test_every_event_of_the_tenant_is_posted_once_in_order_and_signed(
    hooks: Hooks, hook: Receiver, billing: Billing
) -> None:
    made = hooks.made(hook)
    with_domain(billing)
    with_domain(billing, "zeta/b-1")
    hooks.queue()

    assert hooks.send() == 5
    assert hooks.send() == 0

    events = [one.event for one in hook.taken_in]
    assert [event["type"] for event in events] == [
        "account_opened", "payment_started", "plan_purchased", "payment_started", "addon_purchased",
    ]  # fmt: skip
    assert {event["subject"] for event in events} == {ACCOUNT}
    assert [(event["version"], event["previousversion"]) for event in events] == [
        ("1", None), ("2", "1"), ("3", "2"), ("4", "3"), ("5", "4"),
    ]  # fmt: skip
    assert all(one.is_signed_by(made.secret) for one in hook.taken_in)
    assert len({one.headers["webhook-id"] for one in hook.taken_in}) == 5
    assert hooks.shown(made).last_success_at is not None


def test_an_endpoint_is_told_of_the_types_it_asked_for_and_sees_by_versions_that_none_is_missing(
    hooks: Hooks, hook: Receiver, billing: Billing
) -> None:
    hooks.made(hook, "plan_purchased", "addon_removed")
    with_domain(billing)
    billing.give(ACCOUNT, RemoveAddon("custom_domain"), "2026-04-06")
    hooks.queue()
    hooks.send()

    events = [one.event for one in hook.taken_in]
    assert [(event["type"], event["version"], event["previousversion"]) for event in events] == [
        ("plan_purchased", "3", None),
        ("addon_removed", "6", "3"),
    ]


@pytest.mark.parametrize("behaviour", [500, 404, 301, "half", "close", "redirect"])
def test_what_is_not_taken_in_is_sent_again_and_holds_back_what_follows_it_in_its_account_alone(
    hooks: Hooks, hook: Receiver, billing: Billing, behaviour: Any
) -> None:
    made = hooks.made(hook)
    hook.behave = lambda event: behaviour if event["subject"] == ACCOUNT else 204
    with_domain(billing)
    with_domain(billing, "acme/a-2")
    hooks.queue()

    assert hooks.send() == 5
    assert {one.event["subject"] for one in hook.taken_in} == {"acme/a-2"}
    assert len([one for one in hook.received if one.event["subject"] == ACCOUNT]) == 1
    shown = hooks.shown(made)
    assert (shown.waiting, shown.failing) == (1, 1)

    hook.behave = lambda _: 204
    assert hooks.send() == 0, "it waits until it is tried again"
    hooks.make_due()
    assert hooks.send() == 5
    ours = [one.event["version"] for one in hook.taken_in if one.event["subject"] == ACCOUNT]
    assert ours == ["1", "2", "3", "4", "5"]
    assert hooks.shown(made).failing == 0


def test_every_attempt_is_logged_with_what_the_endpoint_answered_and_how_long_it_took(
    hooks: Hooks, hook: Receiver, billing: Billing
) -> None:
    made = hooks.made(hook)
    answers: Iterator[Behaviour] = iter([500, "half", 204])
    hook.behave = lambda _: next(answers)
    billing.open(ACCOUNT, "2026-03-20", clock="test")
    hooks.queue()
    for _ in range(3):
        hooks.send()
        hooks.make_due()

    logged = endpoints.attempts(hooks.connection, "acme", made.endpoint.id, before=None, limit=10)

    assert [one.status for one in logged] == [204, None, 500]
    assert logged[2].response == "said 500"
    assert logged[1].error is not None
    assert "Error" in logged[1].error
    assert all(one.milliseconds >= 0 for one in logged)
    [queued] = endpoints.deliveries(
        hooks.connection, "acme", made.endpoint.id, after=0, waiting=None, limit=10
    )
    assert queued.delivered_at is not None


def test_an_endpoint_that_hangs_holds_back_no_other_one(
    hooks: Hooks, hook: Receiver, billing: Billing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("consumers.webhooks.sending.WHOLE", 3.0)
    with receiver() as slow:
        slow.behave = lambda _: "hang"
        hung, _ = hooks.made(slow), hooks.made(hook)
        for nth in range(4):
            billing.open(f"acme/a-{nth}", "2026-03-20", clock="test")
        hooks.queue()
        sending = Thread(target=hooks.send, kwargs={"each": 2})
        sending.start()
        until(lambda: len(hook.taken_in) == 4)
        assert len(slow.received) <= 2, "it takes no more room than it has"
        sending.join()
        assert len(slow.received) == 4
        logged = endpoints.attempts(hooks.connection, "acme", hung.endpoint.id, before=None, limit=1)
        assert logged[0].error == "no answer within 3 seconds"


def test_of_an_answer_without_end_only_the_beginning_is_read(
    hooks: Hooks, hook: Receiver, billing: Billing
) -> None:
    made = hooks.made(hook)
    hook.behave = lambda _: "endless"
    billing.open(ACCOUNT, "2026-03-20", clock="test")
    hooks.queue()

    assert hooks.send() == 1
    [one] = endpoints.attempts(hooks.connection, "acme", made.endpoint.id, before=None, limit=10)
    assert (one.status, one.response) == (200, "x" * 500)


def test_after_three_days_without_success_the_endpoint_is_paused_with_the_reason(
    hooks: Hooks, hook: Receiver, billing: Billing
) -> None:
    made = hooks.made(hook)
    hook.behave = lambda _: 503
    billing.open(ACCOUNT, "2026-03-20", clock="test")
    hooks.queue()
    hooks.send()
    hooks.failing_for(days=3)
    hooks.make_due()
    hooks.send()

    shown = hooks.shown(made)
    assert shown.paused_because == "a message was tried for 3 days: it answered 503"
    hooks.make_due()
    received = len(hook.received)
    hooks.send()
    assert len(hook.received) == received

    hook.behave = lambda _: 204
    assert endpoints.resume(hooks.connection, "acme", made.endpoint.id).paused_because is None
    assert hooks.send() == 1


def test_an_account_whose_message_is_refused_for_three_days_stops_alone_where_others_go_on(
    hooks: Hooks, hook: Receiver, billing: Billing
) -> None:
    made = hooks.made(hook)
    hook.behave = lambda event: 500 if event["subject"] == ACCOUNT else 204
    billing.open(ACCOUNT, "2026-03-20", clock="test")
    hooks.queue()
    hooks.send()
    hooks.failing_for(days=3)
    billing.open("acme/a-2", "2026-03-20", clock="test")
    hooks.queue()
    hooks.send()
    hooks.make_due()
    hooks.send()

    assert hooks.shown(made).paused_because is None
    queued = endpoints.deliveries(hooks.connection, "acme", made.endpoint.id, after=0, waiting=True, limit=9)
    assert [(one.account_id, one.stopped_because) for one in queued] == [
        (ACCOUNT, "a message was tried for 3 days: it answered 500")
    ]


def test_an_endpoint_that_says_it_is_gone_is_paused_at_once(
    hooks: Hooks, hook: Receiver, billing: Billing
) -> None:
    made = hooks.made(hook)
    hook.behave = lambda _: 410
    billing.open(ACCOUNT, "2026-03-20", clock="test")
    hooks.queue()
    hooks.send()

    assert hooks.shown(made).paused_because == "it answered 410: it is gone"


def test_a_paused_endpoint_is_told_later_of_what_happened_meanwhile(
    hooks: Hooks, hook: Receiver, billing: Billing
) -> None:
    made = hooks.made(hook)
    endpoints.pause(hooks.connection, "acme", made.endpoint.id, "moving house")
    with_domain(billing)
    hooks.queue()
    assert hooks.send() == 0
    endpoints.resume(hooks.connection, "acme", made.endpoint.id)
    assert hooks.send() == 5


def test_a_new_secret_signs_beside_the_former_one_for_a_day(
    hooks: Hooks, hook: Receiver, billing: Billing
) -> None:
    made = hooks.made(hook)
    rolled = endpoints.roll_secret(hooks.connection, "acme", made.endpoint.id, datetime.now(UTC))
    billing.open(ACCOUNT, "2026-03-20", clock="test")
    hooks.queue()
    hooks.send()
    assert hook.taken_in[0].is_signed_by(made.secret)
    assert hook.taken_in[0].is_signed_by(rolled.secret)

    yesterday = datetime.now(UTC) - timedelta(hours=25)
    again = endpoints.roll_secret(hooks.connection, "acme", made.endpoint.id, yesterday)
    billing.give(ACCOUNT, PurchasePlan("standard"), "2026-03-20")
    hooks.queue()
    hooks.send()
    assert hook.taken_in[-1].is_signed_by(again.secret)
    assert not hook.taken_in[-1].is_signed_by(rolled.secret)


def test_many_senders_send_each_message_in_order_and_a_removed_endpoint_is_forgotten(
    hooks: Hooks, hook: Receiver, billing: Billing
) -> None:
    made = hooks.made(hook)
    for nth in range(20):
        with_domain(billing, f"acme/a-{nth}")
    hooks.queue()
    stop = Event()

    def send() -> None:
        async def deliver() -> None:
            with connect(hooks.connection.info.dsn, "test") as connection:
                async with Sender(LOCAL) as sender:
                    await Delivering(connection, sender, each=4).run(stop)

        asyncio.run(deliver())

    threads = [Thread(target=send) for _ in range(3)]
    for thread in threads:
        thread.start()
    until(lambda: len(hook.taken_in) == 100)
    stop.set()
    for thread in threads:
        thread.join()

    assert len(hook.received) == 100
    for nth in range(20):
        of_account = [one for one in hook.taken_in if one.event["subject"] == f"acme/a-{nth}"]
        assert [one.event["version"] for one in of_account] == ["1", "2", "3", "4", "5"]
    endpoints.remove(hooks.connection, "acme", made.endpoint.id)
    [[left]] = hooks.connection.execute("select count(*) from webhooks.deliveries").fetchall()
    assert left == 0


def test_a_sender_that_died_leaves_its_queues_to_the_others(
    hooks: Hooks, hook: Receiver, billing: Billing
) -> None:
    hooks.made(hook)
    with_domain(billing)
    hooks.queue()
    [taken] = queues.take(hooks.connection, room=10, each=10, busy={})
    assert hooks.send() == 0, "it is the other sender's"

    hooks.connection.execute("update webhooks.queues set taken_until = clock_timestamp()")
    assert hooks.send() == 5
    queues.conclude(hooks.connection, taken, [], Random(1))
    assert hooks.send() == 0
    assert hook.positions() == sorted(hook.positions())


def test_what_is_old_is_forgotten(hooks: Hooks, hook: Receiver, billing: Billing) -> None:
    made = hooks.made(hook)
    with_domain(billing)
    hooks.queue()
    hooks.send()
    with psycopg.connect(hooks.url, autocommit=True) as superuser:
        superuser.execute("update webhooks.attempts set at = at - interval '31 days'")
        superuser.execute("update webhooks.deliveries set delivered_at = delivered_at - interval '31 days'")
    queues.forget(hooks.connection)

    assert endpoints.attempts(hooks.connection, "acme", made.endpoint.id, before=None, limit=9) == []
    rest = endpoints.deliveries(hooks.connection, "acme", made.endpoint.id, after=0, waiting=None, limit=9)
    assert rest == []


class TestReplays:
    """What was sent before, and what never was, is sent again from any position."""

    def test_everything_from_a_position_on_is_sent_again(
        self, hooks: Hooks, hook: Receiver, billing: Billing
    ) -> None:
        made = hooks.made(hook)
        with_domain(billing)
        hooks.queue()
        hooks.send()
        positions = hook.positions()
        hook.received.clear()

        endpoints.replay(hooks.connection, "acme", made.endpoint.id, positions[2])
        hooks.replay()

        assert hooks.send() == 2
        assert hook.positions() == positions[3:]
        assert hooks.shown(made).replayed_to is None

    def test_what_happened_before_the_endpoint_was_made_is_sent_too(
        self, hooks: Hooks, hook: Receiver, billing: Billing
    ) -> None:
        with_domain(billing)
        with_domain(billing, "zeta/b-1")
        hooks.queue()
        made = hooks.made(hook, "plan_purchased", "addon_purchased")
        endpoints.replay(hooks.connection, "acme", made.endpoint.id, 0)
        hooks.replay()

        assert hooks.send() == 2
        told = [(one.event["version"], one.event["previousversion"]) for one in hook.taken_in]
        assert told == [("3", None), ("5", "3")]
        assert hook.taken_in[0].event["clock"] == "test"

    def test_a_replay_from_within_an_account_names_the_version_before_it(
        self, hooks: Hooks, hook: Receiver, billing: Billing
    ) -> None:
        with_domain(billing)
        hooks.queue()
        some = hooks.made(hook, "plan_purchased", "addon_purchased")
        after = hooks.log.read_account(ACCOUNT)[3].position
        endpoints.replay(hooks.connection, "acme", some.endpoint.id, after)
        hooks.replay()
        hooks.send()

        told = [(one.event["version"], one.event["previousversion"]) for one in hook.taken_in]
        assert told == [("5", "3")]


@pytest.mark.parametrize(
    ("wanted", "code", "place"),
    [
        (NewEndpoint("acme", "http://shop.example/hooks"), "invalid_url", "$.url"),
        (NewEndpoint("acme", "https://10.0.0.1/hooks"), "invalid_url", "$.url"),
        (NewEndpoint("acme", "https://u:p@shop.example/"), "invalid_url", "$.url"),
        (NewEndpoint("acme", "ftp://shop.example/"), "invalid_url", "$.url"),
        (NewEndpoint("acme", "https://shop.example/", ("nonsense",)), "unknown_event_type", "$.types[0]"),
        (NewEndpoint("acme", "https://shop.example/", (), "short"), "invalid_secret", "$.secret"),
    ],
)
def test_an_endpoint_that_cannot_be_is_refused_with_its_place(
    hooks: Hooks, wanted: NewEndpoint, code: str, place: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        endpoints.create(hooks.connection, wanted, Addresses())
    assert (refused.value.code, refused.value.place) == (code, place)


def test_another_tenants_endpoint_is_not_known(hooks: Hooks, hook: Receiver) -> None:
    made = hooks.made(hook)
    connection, id_ = hooks.connection, made.endpoint.id
    for ask in (
        lambda: endpoints.endpoint(connection, "zeta", id_),
        lambda: endpoints.pause(connection, "zeta", id_, "x"),
        lambda: endpoints.resume(connection, "zeta", id_),
        lambda: endpoints.replay(connection, "zeta", id_, 0),
        lambda: endpoints.roll_secret(connection, "zeta", id_, datetime.now(UTC)),
        lambda: endpoints.remove(connection, "zeta", id_),
        lambda: endpoints.secrets_of(connection, "zeta", id_, datetime.now(UTC)),
        lambda: endpoints.attempts(connection, "zeta", id_, before=None, limit=1),
        lambda: endpoints.deliveries(connection, "zeta", id_, after=0, waiting=None, limit=1),
    ):
        with pytest.raises(InvalidInput, match="there is no endpoint"):
            ask()
    assert endpoints.found(connection, "zeta") == []
