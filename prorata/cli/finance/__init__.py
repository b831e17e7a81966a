"""The commands on the finance ledger."""
