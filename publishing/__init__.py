"""The contract with everybody who subscribes, and the relay that keeps it.

    from publishing.relay import run_relay
    run_relay(log, "127.0.0.1:9092", database_url, once=True)

`topics`, `envelope` and `contract` are the contract, `schemas` its JSON Schemas; docs/publishing.md and
docs/subscribing.md say what is promised.
"""
