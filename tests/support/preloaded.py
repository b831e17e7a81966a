"""The imports that the processes of forked.py share."""

import importlib
import pkgutil

import prorata.cli

for module in pkgutil.walk_packages(prorata.cli.__path__, "prorata.cli."):
    importlib.import_module(module.name)
for name in (
    "consumers.errors",
    "consumers.finance_ledger.closing",
    "consumers.runtime",
    "prorata.wiring",
    "projections.registry",
    "publishing.relay",
):
    importlib.import_module(name)
