"""The HTTP API: commands are verbs, what can be seen is a resource (docs/api.md).

    prorata serve --port 8080
    curl -H "Authorization: Bearer $KEY" http://127.0.0.1:8080/v1/accounts/a1/shop

`serving` runs it, `gate` is what every request passes, `table` has all routes, `desk` is what they work on.
No route holds a rule or a statement: these are in `service`, `projections` and `domain`.
"""
