"""The chart of accounts."""

from __future__ import annotations

from typing import Final

CASH: Final = "cash"
"""What was paid, at the payment provider and at the bank, less what went back. An asset."""

RECEIVABLE: Final = "receivable"
"""What is invoiced and not paid. An asset."""

CHARGE_BACKS: Final = "charge_backs"
"""What is due again because a payment was charged back, or a late one failed: doubtful. An asset."""

DEFERRED: Final = "deferred_revenue"
"""What is invoiced, before tax, and not earned yet. A liability."""

TAX_PAYABLE: Final = "tax_payable"
"""Tax that was asked for: an account for each jurisdiction, `tax_payable:FR`. A liability."""

ACCOUNT_CREDIT: Final = "account_credit"
"""Money of customers that the seller holds (R63). A liability."""

REFUNDS: Final = "refunds"
"""Refunds that were asked for and not answered yet (R62). A liability."""

BAD_DEBT: Final = "bad_debt"
"""What will never be paid, as far as it was earned, and its tax. An expense."""

RECOVERED: Final = "recovered"
"""What came in for an invoice that was written off (R68). Income."""

TAKEN_OVER: Final = "taken_over"
"""Against what is owed to accounts that were taken over from another system. Equity: it is the sum that the
books of that system let go of."""

REVENUE: Final = "revenue"
"""What is earned, less discounts: an account for each product, `revenue:standard`. Income."""
