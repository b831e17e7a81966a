"""The consumers that fill tables, by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from consumers.entitlement_cache import EntitlementCache
from consumers.errors import UnknownConsumer
from consumers.finance_ledger.handler import FinanceLedger
from consumers.handler import Handler
from consumers.webhooks.handler import WebhookQueue

HANDLERS: Final[dict[str, Callable[[], Handler]]] = {
    EntitlementCache.name: EntitlementCache,
    FinanceLedger.name: FinanceLedger,
    WebhookQueue.name: WebhookQueue,
}


def handler_named(name: str) -> Handler:
    """A handler of that consumer. Raises UnknownConsumer."""
    if name not in HANDLERS:
        raise UnknownConsumer(name, HANDLERS)
    return HANDLERS[name]()
