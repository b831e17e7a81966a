"""The chart of accounts."""

from __future__ import annotations

from typing import Final

CASH: Final = "cash"
"""What was paid, at the payment provider. An asset."""

RECEIVABLE: Final = "receivable"
"""What is invoiced and not paid. An asset."""

DEFERRED: Final = "deferred_revenue"
"""What is invoiced and not earned yet. A liability."""

BAD_DEBT: Final = "bad_debt"
"""What was recognised of invoices that will never be paid. An expense."""

REVENUE: Final = "revenue"
"""What is earned: an account for each product, `revenue:standard`. Income."""
