"""Invoices and credit notes: read of the read models where they have every event of the account, else folded
from the log, so that a caller always reads what it wrote."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from itertools import repeat
from typing import Any, Final, TypeVar

from eventlog.port import EventLog
from eventlog.postgres.connect import Connection
from projections.errors import AccountParked
from projections.fold import Fold
from projections.history.as_of import as_of
from projections.live.waiting import wait_for
from projections.models import credit_notes, invoices
from projections.models.credit_notes import CreditNoteDocument
from projections.models.invoices import InvoiceDocument
from prorata.http.accounts import LIMIT
from prorata.http.call import Answered, Call, etag, page
from prorata.http.desk import Desk
from prorata.http.looking import state_of
from prorata.http.problems import refuse
from prorata.http.route import LOOK, Parameter, Route
from prorata.http.shapes import CreditNotesAnswer, CreditNoteShown, InvoicesAnswer, InvoiceShown

D = TypeVar("D", InvoiceDocument, CreditNoteDocument)

AFTER: Final = Parameter(
    "after", "Those after this number (`next` of the page before).", {"type": "string", "examples": ["50"]}
)


async def documents(
    desk: Desk,
    call: Call,
    fold: Fold[Any, D],
    rows: Callable[[Connection, str, int, int | None], list[D]],
    after: int,
    limit: int,
) -> tuple[list[D], int]:
    """Up to `limit` documents with a number above `after`, and the account's version that they include."""
    state = await state_of(desk, call)
    account_id, version, log = call.account_id, state.version, desk.system.log
    wait: float = call.wait

    def read(connection: Connection) -> list[D] | None:
        with_all = wait_for(connection, log, account_id, version, 0.0, [fold.name])
        return rows(connection, account_id, after, limit) if with_all else None

    loop = asyncio.get_running_loop()
    deadline = loop.time() + wait
    with suppress(AccountParked):
        for pause in (0.0, *repeat(_PAUSE, int(wait / _PAUSE))):  # holds neither a thread nor a connection
            await asyncio.sleep(pause)
            if (found := await desk.read(read)) is not None:
                return found, version
            if loop.time() > deadline:
                break
    return await desk.run(partial(_folded, log, fold, account_id, after, limit)), version


def _folded(log: EventLog, fold: Fold[Any, D], account_id: str, after: int, limit: int) -> list[D]:
    made = sorted(as_of(log, fold, account_id), key=lambda document: document.number)
    return [document for document in made if document.number > after][:limit]


async def list_invoices(desk: Desk, call: Call) -> Answered:
    """A page of the account's invoices."""
    after, limit = call.whole_number("after") or 0, call.limit
    found, version = await documents(desk, call, invoices.FOLD, invoices.of_account, after, limit + 1)
    items = [invoice_shown(document) for document in found[:limit]]
    following = str(items[-1].number) if len(found) > limit else None
    return Answered(page(items, following), headers=etag(version))


async def get_invoice(desk: Desk, call: Call) -> Answered:
    """One invoice."""
    number = invoice_number(call)
    found, version = await documents(desk, call, invoices.FOLD, invoices.of_account, number - 1, 1)
    if not found or found[0].number != number:
        raise refuse("unknown_invoice", f"the account has no invoice {number}", place="number")
    return Answered(invoice_shown(found[0]), headers=etag(version))


async def list_credit_notes(desk: Desk, call: Call) -> Answered:
    """A page of the account's credit notes."""
    after, limit = call.whole_number("after") or 0, call.limit
    found, version = await documents(desk, call, credit_notes.FOLD, _notes, after, limit + 1)
    items = [_note_shown(document) for document in found[:limit]]
    following = str(found[limit - 1].number) if len(found) > limit else None
    return Answered(page(items, following), headers=etag(version))


def invoice_number(call: Call) -> int:
    """The number of the path. Raises ProblemFound `unknown_invoice` for what is no number."""
    text = call.path["number"]
    if not (text.isascii() and text.isdigit() and 0 < int(text[:18]) < 2**31 and len(text) < 18):
        raise refuse("unknown_invoice", "the account has no such invoice", place="number")
    return int(text)


def _notes(
    connection: Connection, account_id: str, after: int, limit: int | None
) -> list[CreditNoteDocument]:
    return credit_notes.of_account(connection, account_id, after, limit)


def _fields(document: InvoiceDocument | CreditNoteDocument, names: Sequence[str]) -> dict[str, Any]:
    return {name: getattr(document, name) for name in names}


def invoice_shown(document: InvoiceDocument) -> InvoiceShown:
    """The invoice as the API shows it."""
    return InvoiceShown(**_fields(document, InvoiceShown.__struct_fields__))


def _note_shown(document: CreditNoteDocument) -> CreditNoteShown:
    fields = _fields(document, CreditNoteShown.__struct_fields__)
    return CreditNoteShown(**{**fields, "number": f"C{document.number}"})


_PAUSE: Final = 0.02

_OF: Final = "/v1/accounts/{account}"

ROUTES = (
    Route(
        "GET",
        f"{_OF}/invoices",
        "list-invoices",
        "The account's invoices, what is due of each and whether it is paid (R47, R51).",
        LOOK,
        list_invoices,
        InvoicesAnswer,
        parameters=(AFTER, LIMIT),
        tag="documents",
    ),
    Route(
        "GET",
        f"{_OF}/invoices/{{number}}",
        "get-invoice",
        "One invoice.",
        LOOK,
        get_invoice,
        InvoiceShown,
        tag="documents",
    ),
    Route(
        "GET",
        f"{_OF}/credit-notes",
        "list-credit-notes",
        "The account's credit notes, and where their money is by now (R61, R62).",
        LOOK,
        list_credit_notes,
        CreditNotesAnswer,
        parameters=(AFTER, LIMIT),
        tag="documents",
    ),
)
