"""Every command, as the API has it: what it is called in a path, what it does, and an example of its body.

    POST /v1/accounts/{account}/purchase-addon            {"product": "custom_domain"}
    POST /v1/accounts/{account}/purchase-addon/preview    what it would answer

A test holds that none of the domain's commands is missing. The examples are played, in this order, on one
account by `prorata.http.examples`.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from domain import commands as c
from service.asked import PaymentAnswered, PaymentMethod


class CommandRoute(msgspec.Struct, frozen=True):
    """A command's route. `test_clock`: it is for accounts on a test clock alone."""

    kind: type[msgspec.Struct]
    summary: str
    example: dict[str, Any]
    test_clock: bool = False

    @property
    def do(self) -> str:
        """Its name in a line of `prorata command`, such as `purchase_addon`."""
        return str(self.kind.__struct_config__.tag)

    @property
    def name(self) -> str:
        """Its name in a path, such as `purchase-addon`."""
        return self.do.replace("_", "-")


COMMANDS: Final[tuple[CommandRoute, ...]] = (
    CommandRoute(c.PurchasePlan, "Buy a plan (R10, R11, R22).", {"product": "standard"}),
    CommandRoute(c.PurchaseAddon, "Buy an add-on, prorated (R12).", {"product": "custom_domain"}),
    CommandRoute(c.RemoveAddon, "End an add-on at its cycle's end (R26).", {"product": "custom_domain"}),
    CommandRoute(c.Undo, "Withdraw a pending end or downgrade (R27).", {"product": "custom_domain"}),
    CommandRoute(c.ChangePlan, "Change to another plan or tier (R29).", {"product": "standard"}),
    CommandRoute(c.CancelPlan, "End the family's plan at its cycle's end (R28).", {"family": "marketing"}),
    CommandRoute(c.PausePlan, "Pause the family's plan now (R31, R36).", {"family": "marketing"}),
    CommandRoute(c.ResumePlan, "Resume the family's paused plan (R34, R35).", {"family": "marketing"}),
    CommandRoute(c.BuyCredits, "Buy a pack of credits (R21).", {"product": "credits_5000"}),
    CommandRoute(c.StartTransactional, "Start Transactional e-mail with blocks (R20).", {"blocks": 2}),
    CommandRoute(c.ChangeTransactional, "Set the blocks from the next renewal on (R20).", {"blocks": 3}),
    CommandRoute(c.TopUpTransactional, "Add blocks until the cycle's end (R20).", {"blocks": 1}),
    CommandRoute(c.StopTransactional, "End Transactional e-mail at its cycle's end (R20).", {}),
    CommandRoute(c.PayBalance, "Pay what is open (R40).", {}),
    CommandRoute(c.SetPaymentMethod, "Another payment method was saved at the provider (R56).", {}),
    CommandRoute(c.AbandonPayment, "Give up the payment that waits for consent (R96).", {}),
    CommandRoute(
        c.SetTaxProfile,
        "The profile by which the next invoices are taxed (R70).",
        {"country": "FR", "kind": "consumer"},
    ),
    CommandRoute(
        c.CreditNote,
        "Take back an invoice or a part of it (R61).",
        {"invoice": 1, "reason": "goodwill", "line": 1, "net": "1.00", "ticket": "T-1"},
    ),
    CommandRoute(c.Reissue, "Take back an invoice, and issue it anew (R67).", {"invoice": 2}),
    CommandRoute(
        c.RecordPayment, "Money came in another way (R57).", {"amount": "5.00", "reference": "BANK-1"}
    ),
    CommandRoute(c.PayOut, "Give account credit back (R63).", {"amount": "1.00"}),
    CommandRoute(c.StopTries, "No further try for the invoice (R54).", {"invoice": 1}),
    CommandRoute(c.WriteOff, "Give up what is due of a charged-back invoice (R68).", {"invoice": 1}),
    CommandRoute(
        c.GrantDiscount, "Give the account a discount (R79).", {"percent": "10", "for": 3, "ticket": "T-2"}
    ),
    CommandRoute(c.WithdrawDiscount, "The discount reaches no further line (R85).", {"discount": "D1"}),
    CommandRoute(c.OpenDispute, "The provider says that a payment is disputed (R58).", {"invoice": 1}),
    CommandRoute(c.WinDispute, "The provider says that the dispute was won (R58).", {"invoice": 1}),
    CommandRoute(c.LoseDispute, "The provider says that the amount went back (R58).", {"invoice": 1}),
    CommandRoute(
        PaymentMethod,
        "How every payment is answered from now on (docs/scenarios.md).",
        {"works": True},
        test_clock=True,
    ),
    CommandRoute(
        PaymentAnswered,
        "How the payment that waits, or is late, ends (R96, R98).",
        {"answer": "paid"},
        test_clock=True,
    ),
    CommandRoute(
        c.OverridePrice,
        "The product's price for this account from now on (R8).",
        {"product": "custom_domain", "price": "12.00"},
        test_clock=True,
    ),
    CommandRoute(
        c.ChangeCatalog,
        "A later version of the account's own catalogue (R8).",
        {"withdrawn": ["surveys"]},
        test_clock=True,
    ),
    CommandRoute(c.CloseAccount, "End everything now, for good (R42).", {}),
)
