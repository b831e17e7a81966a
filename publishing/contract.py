"""What each topic holds, by type: for subscribers, and for the JSON Schemas.

    contract.EVENT_TYPES, contract.DOCUMENTS["access_windows"]
    contract.schemas()["billing.events.v1.json"]

`python -m scripts.contract` writes the files of the contract anew: schemas, examples, the AsyncAPI document.
"""

from __future__ import annotations

from inspect import cleandoc
from pathlib import Path
from typing import Any, Final

import msgspec

from domain.calendar import date_of, twelve_months_before
from domain.events import EVENT_TYPES as _EVENTS
from domain.events import (
    SCHEMA_VERSIONS,
    AccountImported,
    AccountOpened,
    Clock,
    CreditApplied,
    CreditedLine,
    CreditNoteIssued,
    CreditPaidOut,
    DisputeLost,
    Event,
    Invoice,
    InvoicePaid,
    InvoiceReissued,
    InvoiceStatus,
    InvoiceWrittenOff,
    ItemsLapsed,
    LatePaymentFailed,
    Line,
    PaymentRecorded,
    RefundConcluded,
    RenewalDeclined,
)
from domain.invoices import invoice_changes
from eventlog.codec import domain_codec
from projections.models.access_windows import FOLD as _ACCESS_WINDOWS
from projections.models.access_windows import AccessWindowsDocument
from projections.models.credit_notes import FOLD as _CREDIT_NOTES
from projections.models.credit_notes import CreditNoteDocument
from projections.models.entitlements import FOLD as _ENTITLEMENTS
from projections.models.entitlements import EntitlementsDocument
from projections.models.invoices import FOLD as _INVOICES
from projections.models.invoices import InvoiceDocument
from publishing.dataschema import dataschema
from publishing.dialect import COMMENT, standard
from publishing.envelope import HEARTBEAT_TYPE, Heartbeat, PublishedEvent
from publishing.topics import Topic, Topics

__all__ = [
    "DOCUMENTS",
    "EVENT_TYPES",
    "SCHEMAS",
    "AccessWindowsDocument",
    "AccountImported",
    "AccountOpened",
    "Clock",
    "CreditApplied",
    "CreditNoteDocument",
    "CreditNoteIssued",
    "CreditPaidOut",
    "CreditedLine",
    "DisputeLost",
    "EntitlementsDocument",
    "Event",
    "Invoice",
    "InvoiceDocument",
    "InvoicePaid",
    "InvoiceReissued",
    "InvoiceStatus",
    "InvoiceWrittenOff",
    "ItemsLapsed",
    "LatePaymentFailed",
    "Line",
    "PaymentRecorded",
    "RefundConcluded",
    "RenewalDeclined",
    "date_of",
    "event_of",
    "invoice_changes",
    "known_types",
    "schemas",
    "twelve_months_before",
]

EVENT_TYPES: Final = frozenset(_EVENTS)
"""The `ce_type` of every event that this version of the contract knows."""

DOCUMENTS: Final[dict[str, type[msgspec.Struct]]] = {
    _ENTITLEMENTS.name: EntitlementsDocument,
    _ACCESS_WINDOWS.name: AccessWindowsDocument,
    _INVOICES.name: InvoiceDocument,
    _CREDIT_NOTES.name: CreditNoteDocument,
}
"""What is in the state topics, by `ce_type`."""

SCHEMAS: Final = Path(__file__).parent / "schemas"
"""Those of today's types; in `released`, those of each release, which `publishing.compatibility` compares."""

RELEASED: Final = SCHEMAS / "released"


_codec: Final = domain_codec()

_TYPES: Final = {
    Topics().events.base: EVENT_TYPES,
    Topics().entitlements.base: frozenset({_ENTITLEMENTS.name}),
    Topics().access_windows.base: frozenset({_ACCESS_WINDOWS.name}),
    Topics().invoices.base: frozenset({_INVOICES.name}),
    Topics().credit_notes.base: frozenset({_CREDIT_NOTES.name}),
}


def known_types(topic: Topic) -> frozenset[str]:
    """The `ce_type`s of the topic, beside heartbeats'. A reader skips others: a later version has them."""
    return _TYPES[topic.base]


def event_of(message: PublishedEvent) -> Event:
    """The event, in today's schema version of its type. Raises EventUnreadable."""
    return _codec.read(message.event)


def schemas() -> dict[str, dict[str, Any]]:
    """The JSON Schema of each topic's values, by file name; those of events in today's schema versions."""
    topics = Topics()
    values = {
        topics.events.base: Event,
        topics.entitlements.base: EntitlementsDocument,
        topics.access_windows.base: AccessWindowsDocument,
        topics.invoices.base: InvoiceDocument,
        topics.credit_notes.base: CreditNoteDocument,
        HEARTBEAT_TYPE: Heartbeat,
    }
    return {f"{name}.json": _schema(name, value) for name, value in values.items()}


def render(document: dict[str, Any]) -> str:
    """A document as its file has it."""
    return msgspec.json.format(msgspec.json.encode(document, order="sorted"), indent=1).decode() + "\n"


def _schema(name: str, value: Any) -> dict[str, Any]:
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": dataschema(name),
        "title": name,
        **msgspec.json.schema(value),
    }
    for event_type, event in _EVENTS.items():
        if (definition := schema["$defs"].get(event.__name__)) is not None:
            definition[COMMENT] = dataschema(name, event_type, SCHEMA_VERSIONS[event_type])
    tidied: dict[str, Any] = standard(_tidied(schema))
    return tidied


def _tidied(node: Any) -> Any:
    """With the docstrings' own line breaks and indentation removed from descriptions."""
    if isinstance(node, list | tuple):
        return [_tidied(one) for one in node]
    if not isinstance(node, dict):
        return node
    return {
        name: " ".join(cleandoc(one).split())
        if name == "description" and isinstance(one, str)
        else _tidied(one)
        for name, one in node.items()
    }
