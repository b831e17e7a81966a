"""Our books against the payment provider's: what was charged and refunded on a day, both ways.

`ours` reads a day of the log, `finishing` asks for the answers that lack, `comparing` finds what differs.
"""
