"""Staff at the console: a browser signed in by an API key, and an account whose story has some of all."""

from __future__ import annotations

from typing import Any, Final, Protocol

from tests.support.http_api import Api
from tests.support.pages import Browser, Read

HOSTILE: Final = """<script>alert(1)</script>"'&{{7*7}}"""
"""A name that would do harm where it is not escaped."""

STORY: Final[tuple[tuple[str, dict[str, Any]], ...]] = (
    ("purchase-plan", {"product": "standard", "at": "2026-03-20T09:00", "actor": HOSTILE}),
    ("purchase-addon", {"product": "custom_domain", "at": "2026-04-05T18:30"}),
    ("purchase-addon", {"product": "dedicated_ip", "at": "2026-04-07T10:00"}),
    ("pause-plan", {"family": "marketing", "at": "2026-05-10T12:00"}),
    ("resume-plan", {"family": "marketing", "at": "2026-05-15T12:00"}),
    ("remove-addon", {"product": "custom_domain", "at": "2026-06-12T15:00"}),
    ("payment-method", {"works": False, "at": "2026-06-19T15:00"}),
    ("pay-balance", {"at": "2026-06-24T09:30", "payment": "declined"}),
    ("payment-method", {"works": True, "at": "2026-06-25T09:00"}),
    ("pay-balance", {"at": "2026-06-25T09:30"}),
    (
        "credit-note",
        {"invoice": 2, "reason": "goodwill", "by": "finance", "at": "2026-07-06T10:00", "ticket": "T-1"},
    ),
    ("dispute-opened", {"invoice": 1, "at": "2026-07-09T09:00"}),
    ("dispute-won", {"invoice": 1, "at": "2026-07-12T09:00"}),
)


class Staff(Browser):
    """Somebody who signed in with a key of that role."""

    def __init__(self, api: Api, role: str = "support", tenant: str = "acme", language: str = "en") -> None:
        super().__init__(api.url)
        self.client.headers["Accept-Language"] = language
        page = self.open("/console")
        [form] = [form for form in page.forms if "key" in form.fields]
        self.send(form, key=api.key(tenant, role))

    def on(self, account: str, path: str = "", status: int = 200) -> Read:
        """A page of the account."""
        return self.open(f"/console/accounts/{account}{path}", status)


class SignIn(Protocol):
    """The fixture `staff`: somebody who signed in."""

    def __call__(self, role: str = "support", tenant: str = "acme", language: str = "en") -> Staff: ...


def told(api: Api, account: str, tenant: str = "acme") -> None:
    """An account on a test clock that lived through STORY, its commands named by their places."""
    with api.client(tenant) as client:
        body = {"account": account, "currency": "EUR", "time_zone": "Europe/Paris", "clock": "test"}
        made = client.post("/v1/accounts", json={**body, "at": "2026-03-20T08:00"})
        assert made.status_code == 201, made.text
        for nth, (name, fields) in enumerate(STORY, 1):
            answer = client.post(
                f"/v1/accounts/{account}/{name}",
                json=fields,
                headers={"Idempotency-Key": f"{account}-{nth}"},
            )
            assert answer.status_code in (200, 402), answer.text
