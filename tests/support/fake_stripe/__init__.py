"""A small Stripe of our own: stateful, on 127.0.0.1, and failing as Stripe does.

    with FakeStripe() as stripe:
        token = stripe.confirmation_token("declined")      # what the customer's browser would make
        stripe.faults.add("lost", "POST /v1/payment_intents/*/confirm")
        adapter(stripe.url, stripe.key).charge(...)        # charged there; the answer never arrives

Whether stripe-mock (which keeps nothing) takes our requests is another test's matter: this one says what
becomes of them. It refuses a parameter that it does not know, so nothing is sent here that does nothing.
"""

from tests.support.fake_stripe.server import FakeStripe

__all__ = ["FakeStripe"]
