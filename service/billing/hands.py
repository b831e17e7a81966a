"""An account that a run has in hand, from when it is found until it is settled."""

from __future__ import annotations

from uuid import UUID

from domain.state import Account
from eventlog.records import Head
from service.billing.settling import Answered, Settling


class Hand:
    """An account in hand. Its state is dropped while its charge is set aside."""

    __slots__ = (
        "account_id", "answered", "conversation", "head", "intent", "interrupted", "kept_at", "key", "losses",
        "part", "recorded", "state", "whole",
    )  # fmt: skip

    def __init__(self, account_id: str, part: int) -> None:
        self.account_id = account_id
        self.part = part
        self.state: Account | None = None
        self.head = Head.NONE
        self.kept_at = 0
        """The version of the kept state that it was loaded from."""
        self.conversation: Settling | None = None
        self.intent = 0
        """The version of the payment intent that this run has recorded last; 0: none."""
        self.key: UUID | None = None
        """That event's id, which is the payment's key."""
        self.answered: Answered | None = None
        """The answer to that payment, until it is recorded."""
        self.interrupted = False
        """The provider gave no answer to its charge, which was cancelled."""
        self.recorded = False
        self.losses = 0
        """How often it changed meanwhile."""
        self.whole = False
        """It is loaded with all its invoices."""

    def put_down(self) -> None:
        """Forget the state and what was to be done with it: it is loaded again."""
        if self.conversation is not None:
            self.conversation.close()
        self.conversation = self.state = None
