"""Clients that buy over HTTP and ask again until each learns its answer, whatever becomes of the server."""

from __future__ import annotations

import threading
import time
from typing import Any

import httpx

from tests.support.http_api import OPENED

ADD_ONS = ("custom_domain", "surveys", "inbox_preview")
PATIENCE = 90.0


class Buyer(threading.Thread):
    """Buys a plan and add-ons for accounts of its own, one after the other; each command has its key.
    `answers`: by account and key, as they came; `failure`: why it stopped."""

    def __init__(self, url: str, key: str, name: str, accounts: int) -> None:
        super().__init__(name=name)
        self.url, self.key, self.accounts = url, key, accounts
        self.answers: dict[tuple[str, str], dict[str, Any]] = {}
        self.asked_again = 0
        self.failure: str | None = None

    def run(self) -> None:
        try:
            for nth in range(self.accounts):
                self.buy(f"{self.name}-{nth}")
        except Exception as error:  # noqa: BLE001 - the test that joins it says so
            self.failure = f"{type(error).__name__}: {error}"

    def buy(self, account: str) -> None:
        """Open the account, and buy all of it."""
        self.give(account, "open", "/v1/accounts", {"account": account, **OPENED})
        at = {"at": "2026-03-20"}
        self.give(account, "plan", f"/v1/accounts/{account}/purchase-plan", {**at, "product": "standard"})
        for product in ADD_ONS:
            body = {"at": "2026-04-05", "product": product}
            self.give(account, product, f"/v1/accounts/{account}/purchase-addon", body)

    def give(self, account: str, key: str, path: str, body: dict[str, Any]) -> None:
        """Give the command until it is answered."""
        headers = {"Authorization": f"Bearer {self.key}", "Idempotency-Key": key}
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            try:
                answer = httpx.post(self.url + path, json=body, headers=headers, timeout=15)
            except httpx.TransportError:
                pass
            else:
                told = answer.json()
                if answer.status_code < 500 and told["code"] != "payment_in_progress":
                    assert answer.status_code in (200, 201), (path, told)
                    self.answers[account, key] = told
                    return
            self.asked_again += 1
            time.sleep(0.1)
        raise AssertionError(f"{path} was never answered")

    def check(self, client: httpx.Client) -> None:
        """Everything was done once, and is answered as it was."""
        assert self.failure is None, self.failure
        for account in {account for account, _ in self.answers}:
            events = client.get(f"/v1/accounts/{account}/history", params={"limit": 100}).json()["items"]
            done = [event["type"] for event in events]
            assert done.count("account_opened") == done.count("plan_purchased") == 1, done
            assert done.count("addon_purchased") == len(ADD_ONS), done
            invoices = client.get(f"/v1/accounts/{account}/invoices").json()["items"]
            assert [invoice["number"] for invoice in invoices] == [1, 2, 3, 4]
        before = dict(self.answers)
        for account in {account for account, _ in before}:
            self.buy(account)
        assert self.answers == before
