"""Words for statuses and actions."""

from __future__ import annotations

from prorata.wording.language import message

STATUSES = {
    "active": message("active"),
    "ending": message("ending"),
    "paused": message("paused"),
    "suspended": message("suspended"),
    "ended": message("ended"),
}
ACCOUNT_STATUSES = {
    "good": message("in good standing"),
    "past_due": message("past due"),
    "disputed": message("disputed"),
    "closed": message("closed"),
}
ACTIONS = {
    "change": message("change"),
    "pause": message("pause"),
    "resume": message("resume"),
    "undo": message("undo"),
    "cancel": message("cancel"),
    "manage": message("manage"),
    "remove": message("remove"),
    "top_up": message("top up"),
    "stop": message("stop"),
}
INVOICES = {
    "paid": message("paid"),
    "open": message("open"),
    "uncollectible": message("written off"),
}
OUTCOMES = {
    "accepted": message("accepted"),
    "reinstated": message("reinstated"),
    "unchanged": message("unchanged"),
    "action_required": message("waits for the customer"),
    "rejected": message("refused"),
}
UNPAID = {
    "paid": message("Nothing was to be paid."),
    "open": message("Its payment has no answer yet."),
    "uncollectible": message("It was written off."),
}
UNSETTLED = {
    "renewal": message("renewal"),
    "resume": message("scheduled resume with a payment"),
    "payment": message("answer to a payment"),
}
