"""Read what the read models hold, and what they should hold according to the log."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Any

from domain.commands import (
    CreditNote,
    GrantDiscount,
    LoseDispute,
    OpenDispute,
    PayBalance,
    PurchaseAddon,
    PurchasePlan,
    RemoveAddon,
    SetTaxProfile,
)
from eventlog import EventLog
from projections.history.as_of import At, as_of
from projections.live.projector import Projector
from projections.models import access_windows, calendar, credit_notes, entitlements, invoices
from projections.registry import FOLDS, PROJECTIONS
from projections.tables import Connection
from tests.support.projections.fold_driver import CATALOGUES, TAXED, Billing

Documents = dict[str, tuple[Any, ...]]


def shown(connection: Connection, account_id: str) -> Documents:
    """Projection → the account's documents, from its rows."""
    return {
        "entitlements": _some(entitlements.of_account(connection, account_id)),
        "access_windows": _some(access_windows.of_account(connection, account_id)),
        "invoices": tuple(invoices.of_account(connection, account_id)),
        "credit_notes": tuple(credit_notes.of_account(connection, account_id)),
        "calendar": _some(calendar.of_account(connection, account_id)),
    }


def folded(log: EventLog, account_id: str, position: int | None = None) -> Documents:
    """Projection → the account's documents, folded from the log."""
    moment = At(log.last_position() if position is None else position)
    return {name: as_of(log, fold, account_id, moment) for name, fold in FOLDS.items()}


def all_rows(connection: Connection, suffix: str = "") -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table of the read models, in all columns."""
    return {
        table.name: connection.execute(
            f"select * from projections.{table.name}{suffix} order by {', '.join(table.key)}"
        ).fetchall()
        for projection in PROJECTIONS
        for table in projection.tables
    }


def live_a_little(billing: Billing, account_id: str) -> None:
    """A history with renewals, an unpaid one and a removal, then `be_corrected`: about forty events."""
    billing.open(account_id, "2026-01-20")
    billing.give(account_id, PurchasePlan("standard"), "2026-01-20")
    billing.give(account_id, PurchaseAddon("custom_domain"), "2026-02-05T18:30")
    billing.give(account_id, PurchaseAddon("surveys"), "2026-02-07")
    billing.settle(account_id, "2026-03-20")
    billing.settle(account_id, "2026-04-20", pay="declined")
    billing.give(account_id, PayBalance(), "2026-04-25")
    billing.give(account_id, RemoveAddon("surveys"), "2026-04-26")
    billing.settle(account_id, "2026-06-01")
    be_corrected(billing, account_id)


def be_corrected(billing: Billing, account_id: str) -> None:
    """Two discounts and two taxes, credit notes to the card and to the account, a dispute that is lost, of an
    account with a plan since January."""
    billing.catalogues = TAXED
    profile = SetTaxProfile("DE", "consumer", region="HEL")
    for at, command in (
        ("2026-06-02", profile),
        ("2026-06-03", GrantDiscount(percent="15", duration=3)),
        ("2026-06-04", GrantDiscount(fixed="5.00", carried=True, products=("standard",))),
        ("2026-06-21", CreditNote(1, "goodwill", line=1, net="3.00", to="account")),
        ("2026-06-22", CreditNote(1, "service_failure", line=1, net="2.50", ticket="T-1")),
        ("2026-07-22", OpenDispute(2)),
        ("2026-07-24", LoseDispute(2)),
    ):
        billing.settle(account_id, at)
        billing.give(account_id, command, at)
    billing.catalogues = CATALOGUES


@contextmanager
def running(projector: Projector) -> Iterator[None]:
    """Run the projector in another thread during the block."""
    stop = Event()
    thread = Thread(target=projector.run, args=[stop])
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(20)
        assert not thread.is_alive()


def _some(document: Any) -> tuple[Any, ...]:
    return () if document is None else (document,)
