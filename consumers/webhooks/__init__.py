"""Webhooks: events are posted to those who want to be told, signed, in the order of each account.

    Consumer(WebhookQueue(), database_url, kafka).run(stop)    # prorata consume webhooks: fills the queues
    await Delivering(connection, sender).run(stop)             # prorata webhooks send: empties them
    Replaying(connection, log).some()                          # fills them again from the log

A delivery is repeated until the endpoint takes it: a receiver sees an event at least once, knows it again by
`webhook-id`, and sees by `version` and `previousversion` whether one is missing.
"""
