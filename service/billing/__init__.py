"""The billing run: what fell due by itself is settled, in stages that never wait for each other.

    with opened_billing(database_url, service, log, gateway, catalogues, clock) as billing:
        report = billing.run_due("wall", clock.now())

    claim, find ──> load in bulk ──> settle, issue ──> append in batches ──> collect ──> append in batches

The calendar says which accounts to look at; what is due in them is decided from the log, so a calendar that
lags makes a run slower and never wrong. Runs share the work by leases on parts of the accounts. The leases
save work and promise nothing: of two runs that settle the same date one append wins (R25).
"""

from service.billing.report import Failed, RunReport, Totals
from service.billing.run import BillingRun

__all__ = ["BillingRun", "Failed", "RunReport", "Totals"]
