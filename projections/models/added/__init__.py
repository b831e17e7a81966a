"""Read models that a module here and `prorata rebuild NAME` add, while everything else keeps running.

Each module has a `PROJECTION` whose tables declare the types of their columns; its first rebuild makes them.
docs/projections.md walks through `monthly_revenue`.
"""
