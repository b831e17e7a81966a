"""The billing rules of Prorata as pure functions over immutable values: no clock, no I/O, no randomness.

Read in this order: `events` (what can have happened), `state` (what is true now), `evolve` (event -> state),
`settle` (what became due), `decide` (what a command does), `process` (the one path that every caller takes).
Rule numbers (R1 ... R98) are those of docs/RULES.md.
"""
