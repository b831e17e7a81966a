"""From a command to its answer: what stands between the edges and the pure rules.

    session = CommandSession(service, catalogues, tenant="main", clock="wall")
    answer = session.answer_line(b'{"do": "purchase_plan", "account": "a1", "product": "standard", …}')

Read `service` first (a command's way), then `conversing` (one attempt at it, against log and gateway),
`accounts` (states and their cache), `gateway` (the payment port), `billing` (what falls due by itself).
docs/payments.md says what is promised about money when processes die.
"""
