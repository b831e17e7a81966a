"""Read models that are added by a module here and one command, `prorata rebuild NAME`, while all else runs.

Each module has a `PROJECTION`, whose tables say their columns' types: the first rebuild makes them.
docs/projections.md walks through `monthly_revenue`.
"""
