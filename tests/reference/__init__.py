"""A second reading of RULES.md: slow, plain and independent of `domain/`, to hold the product against.

It walks civil dates one by one, keeps mutable dictionaries, and counts in fractions.
"""
