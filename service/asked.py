"""What a line of the command-line protocol asks for (docs/scenarios.md, "Command lines")."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import msgspec
from msgspec import UNSET, UnsetType

from domain import commands as c


class OpenLine(msgspec.Struct, frozen=True, tag_field="do", tag="open_account", forbid_unknown_fields=True):
    """Open the account; on a test clock perhaps with a catalogue of its own, policies laid over it, discount
    codes and a tax table, as decoded JSON."""

    currency: str
    time_zone: str
    catalog: dict[str, Any] | UnsetType = UNSET
    policies: dict[str, Any] | UnsetType = UNSET
    discounts: list[Any] | UnsetType = UNSET
    tax: dict[str, Any] | UnsetType = UNSET


class PaymentMethod(
    msgspec.Struct, frozen=True, tag_field="do", tag="payment_method", forbid_unknown_fields=True
):
    """How every payment of the account is answered from now on (test clock). `final`: its declines are for
    good (R54); `pending`: renewals are answered late (R98)."""

    works: bool
    final: bool = False
    pending: bool = False


class PaymentAnswered(
    msgspec.Struct, frozen=True, tag_field="do", tag="payment_answer", forbid_unknown_fields=True
):
    """How the payment that waits for the customer ends (R96), or the late one of that invoice (R98); on a
    test clock."""

    answer: Literal["paid", "declined"]
    invoice: c.InvoiceNumber | None = None


Asked: TypeAlias = (
    OpenLine
    | c.OverridePrice
    | c.ChangeCatalog
    | PaymentMethod
    | PaymentAnswered
    | c.PurchasePlan
    | c.ChangePlan
    | c.CancelPlan
    | c.PausePlan
    | c.ResumePlan
    | c.PurchaseAddon
    | c.RemoveAddon
    | c.Undo
    | c.BuyCredits
    | c.StartTransactional
    | c.ChangeTransactional
    | c.TopUpTransactional
    | c.StopTransactional
    | c.PayBalance
    | c.CloseAccount
    | c.SetPaymentMethod
    | c.AbandonPayment
    | c.SetTaxProfile
    | c.CreditNote
    | c.Reissue
    | c.RecordPayment
    | c.PayOut
    | c.StopTries
    | c.WriteOff
    | c.GrantDiscount
    | c.WithdrawDiscount
    | c.OpenDispute
    | c.WinDispute
    | c.LoseDispute
)
