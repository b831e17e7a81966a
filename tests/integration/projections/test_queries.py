"""What the queries of the read models promise to those who ask."""

import psycopg

from domain.commands import BuyCredits, PurchaseAddon, PurchasePlan
from projections.live.projector import Projector
from projections.models import access_windows, calendar, entitlements, invoices
from projections.models.calendar import Due
from projections.tables import Connection
from tests.support.projections.fold_driver import Billing, instant
from tests.support.projections.read_models import folded, live_a_little, shown

ACCOUNT = "acme/a-1"


def pages(connection: Connection, until: str, limit: int) -> list[list[str]]:
    """All pages of accounts due on the test clock."""
    found, after = [], None
    while page := calendar.due(connection, "test", instant(until), limit, after):
        found.append([due.account for due in page])
        after = page[-1]
    return found


def with_accounts_due_on(billing: Billing, days: dict[str, str]) -> None:
    for account_id, day in days.items():
        billing.open(account_id, "2026-03-01")
        billing.give(account_id, PurchaseAddon("surveys"), day)


def test_due_are_those_up_to_and_including_the_instant_the_longest_due_first(
    billing: Billing, projector: Projector, connection: Connection
) -> None:
    with_accounts_due_on(
        billing, {"t/c": "2026-03-12", "t/b": "2026-03-10", "t/d": "2026-03-13", "t/a": "2026-03-12"}
    )
    projector.run_once()
    assert pages(connection, "2026-04-12", 10) == [["t/b", "t/a", "t/c"]]
    assert pages(connection, "2026-04-11T23:59", 10) == [["t/b"]]
    assert pages(connection, "2026-04-09", 10) == []


def test_pages_have_each_account_once_in_order_also_where_many_are_due_at_one_instant(
    billing: Billing, projector: Projector, connection: Connection
) -> None:
    with_accounts_due_on(billing, {f"t/{n}": "2026-03-10" for n in range(5)})
    projector.run_once()
    assert pages(connection, "2026-05-01", 2) == [["t/0", "t/1"], ["t/2", "t/3"], ["t/4"]]


def test_a_pending_payment_is_due_at_once_and_comes_first(
    billing: Billing, projector: Projector, connection: Connection
) -> None:
    with_accounts_due_on(billing, {"t/a": "2026-03-10", "t/b": "2026-03-10"})
    for account_id in ("t/y", "t/z"):
        billing.open(account_id, "2026-03-01")
        billing.give(account_id, PurchasePlan("standard"), "2026-06-20", pay=None)
    projector.run_once()
    assert pages(connection, "2026-05-01", 3) == [["t/y", "t/z", "t/a"], ["t/b"]]
    assert pages(connection, "2026-03-01", 1) == [["t/y"], ["t/z"]]


def test_accounts_on_the_other_clock_and_those_never_due_are_left_out(
    billing: Billing, projector: Projector, connection: Connection
) -> None:
    billing.open("t/wall", "2026-03-01", clock="wall")
    billing.give("t/wall", PurchaseAddon("surveys"), "2026-03-01")
    billing.open("t/never", "2026-03-01")
    projector.run_once()
    assert pages(connection, "2030-01-01", 10) == []
    [due] = calendar.due(connection, "wall", instant("2030-01-01"), 10)
    assert due == calendar.of_account(connection, "t/wall")


def test_a_page_of_due_accounts_is_read_by_its_indexes(connection: Connection) -> None:
    connection.execute(
        "insert into projections.calendar select 't/' || n, 'test', now() + n * interval '1 minute', "
        "mod(n, 50) = 0, now(), 1, n, 1 from generate_series(1, 20000) n"
    )
    connection.execute("analyze projections.calendar")
    bound = calendar.page_of("test", instant("2030-01-01"), 100, None)
    plan = "\n".join(line for (line,) in connection.execute(f"explain {calendar.DUE}", bound))
    assert "calendar_due" in plan
    assert "calendar_pending" in plan
    assert "Seq Scan" not in plan


def test_invoices_are_paged_by_their_numbers(
    billing: Billing, projector: Projector, connection: Connection
) -> None:
    live_a_little(billing, ACCOUNT)
    projector.run_once()
    every = invoices.of_account(connection, ACCOUNT)
    assert [d.number for d in every] == list(range(1, len(every) + 1))
    assert len(every) > 6
    assert invoices.of_account(connection, ACCOUNT, after=1, limit=2) == every[1:3]
    assert invoices.one(connection, ACCOUNT, 2) == every[1]
    assert invoices.one(connection, ACCOUNT, 99) is None


def test_amounts_keep_the_digits_of_their_currency(
    billing: Billing, projector: Projector, connection: Connection
) -> None:
    billing.open("t/yen", "2026-03-20", currency="JPY")
    billing.give("t/yen", BuyCredits("credits_5000"), "2026-03-20")
    billing.open("t/euro", "2026-03-20")
    billing.give("t/euro", BuyCredits("credits_5000"), "2026-03-20")
    projector.run_once()
    [yen], [euro] = (invoices.of_account(connection, account_id) for account_id in ("t/yen", "t/euro"))
    assert (str(yen.total), str(yen.lines[0].unit_price)) == ("22500", "22500")
    assert (str(euro.total), str(euro.lines[0].unit_price)) == ("150.00", "150.00")


def test_a_product_without_any_window_is_named_with_none(
    billing: Billing, projector: Projector, connection: Connection
) -> None:
    billing.open(ACCOUNT, "2026-03-20")
    billing.give(ACCOUNT, PurchasePlan("free"), "2026-03-20")
    billing.give(ACCOUNT, PurchasePlan("standard"), "2026-03-20")
    projector.run_once()
    document = access_windows.of_account(connection, ACCOUNT)
    assert document is not None
    assert [(p.product, len(p.windows)) for p in document.products] == [("free", 0), ("standard", 1)]
    assert (document,) == folded(billing.log, ACCOUNT)["access_windows"]


def test_a_row_that_a_later_event_takes_away_is_gone(
    billing: Billing, projector: Projector, connection: Connection
) -> None:
    billing.open(ACCOUNT, "2026-03-20")
    billing.give(ACCOUNT, PurchasePlan("free"), "2026-03-20")
    projector.run_once()
    billing.give(ACCOUNT, PurchasePlan("standard"), "2026-03-20")
    projector.run_once()
    assert shown(connection, ACCOUNT) == folded(billing.log, ACCOUNT)


def test_documents_are_in_utc_whatever_the_session_is_set_to(
    billing: Billing, projector: Projector, owner_url: str
) -> None:
    live_a_little(billing, ACCOUNT)
    projector.run_once()
    with psycopg.connect(owner_url, options="-c timezone=Asia/Tokyo") as tokyo:
        document = entitlements.of_account(tokyo, ACCOUNT)
        [due] = calendar.due(tokyo, "test", instant("2030-01-01"), 1)
    assert document is not None
    assert document.as_of.tzname() == "UTC"
    assert isinstance(due, Due)
    assert due.recorded_at.tzname() == "UTC"
