"""Every request that the Stripe adapter makes, checked by stripe-mock, which knows Stripe's own description
of its API and keeps nothing; and what that answers, read by the adapter.

    make test-stripe-mock

The requests are those of a scenario over the tests' fake of Stripe. It needs Go, which builds stripe-mock
once, and PostgreSQL (`scripts.servers run`).

Exit 0: all are well formed. 1: some is not. 2: it cannot be checked.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import httpx
import msgspec

from eventlog.postgres.migrate import EVENTLOG, migrate
from prorata.settings import Settings
from scripts.servers.cache import cache, locked, make_once
from scripts.servers.processes import free_port
from service.completing import complete
from service.gateways.port import RENEWING, SAVED_METHOD, Confirmation
from service.gateways.stripe.calls import API_VERSION
from service.gateways.stripe.seen import Customer, Dispute, Intent, Method, Refund, Setup
from service.schema import SERVICE
from tests.support.fake_stripe import FakeStripe
from tests.support.fake_stripe.methods import METHODS
from tests.support.service.blocking_gateway import AskedGateway
from tests.support.service.stripe_gateway import stripe_gateway

MOCK: Final = "github.com/stripe/stripe-mock@v0.203.0"
ACCOUNT: Final = "main/a1"
READ: Final = {
    "payment_intent": Intent,
    "setup_intent": Setup,
    "payment_method": Method,
    "customer": Customer,
    "refund": Refund,
    "dispute": Dispute,
}
"""As what the adapter reads each object."""

Asked = tuple[str, str, str]


def main() -> int:
    """Check every kind of request once."""
    go = shutil.which("go")
    if go is None:
        print(
            "stripe_mock: Go is not installed, which builds stripe-mock: nothing was checked. "
            "What becomes of the adapter's requests is checked over the fake all the same (make test).",
            file=sys.stderr,
        )
        return 2
    kinds = {_kind(one): one for one in _asked_by_the_adapter()}
    with _mock(_built(go)) as url, httpx.Client(base_url=url) as client:
        faults = [fault for one in kinds.values() for fault in _faults(client, one)]
    print(
        f"{len(kinds)} kinds of requests at API version {API_VERSION}: {len(faults)} faults",
        *faults,
        sep="\n",
    )
    return 1 if faults else 0


def _asked_by_the_adapter() -> list[Asked]:
    """What a scenario asks that has every kind of request."""
    database_url = Settings.of().database_url
    migrate(database_url, [EVENTLOG, SERVICE])
    with FakeStripe() as fake, closing(stripe_gateway(fake, database_url)) as stripe:
        gateway = AskedGateway(stripe)
        bought = uuid4()
        for key, method in ((bought, "visa"), (uuid4(), "declined"), (uuid4(), "asks")):
            token = Confirmation(fake.confirmation_token(method))
            gateway.charge(key, ACCOUNT, Decimal("20.00"), "EUR", token)
            gateway.cancel(key)
        gateway.refund(uuid4(), bought, ACCOUNT, Decimal("4.84"), "EUR")
        gateway.charge(uuid4(), ACCOUNT, Decimal("20.00"), "EUR", SAVED_METHOD)
        direct_debit = Confirmation(fake.confirmation_token("sepa"))
        for _ in range(2):  # used up, the token is looked for among the setups
            gateway.save_method(ACCOUNT, direct_debit)
            fake.keys.prune()
        gateway.charge(uuid4(), ACCOUNT, Decimal("20.00"), "EUR", RENEWING)
        known = fake.methods.method(METHODS["visa"])
        known["customer"] = fake.books.all("customer")[0]["id"]
        complete(stripe.take_over_method(ACCOUNT, Confirmation(known["id"])))
        fake.disputes.open(fake.intents_of(bought)[0]["id"])
        for event in (fake.events("payment_intent.succeeded")[0], fake.events("charge.dispute.created")[0]):
            complete(stripe.read_message(*fake.webhook(event)))
        gateway.movements(datetime.now(UTC).date())
        return [one for one in fake.asked if "test_helpers" not in one[1]]


def _kind(asked: Asked) -> tuple[str, str, tuple[str, ...]]:
    """Method, path and names of parameters, whatever their values are."""
    method, path, form = asked
    names = sorted(pair.partition("=")[0] for pair in form.split("&") if pair)
    return method, re.sub(r"_\w{10,}", "_…", path), tuple(names)


def _faults(client: httpx.Client, asked: Asked) -> Iterator[str]:
    method, path, form = asked
    headers = {
        "Authorization": "Bearer sk_test_123",
        "Stripe-Version": API_VERSION,
        "Content-Type": "application/x-www-form-urlencoded",
    }
    if method == "GET":
        answered = client.get(f"{path}?{form}" if form else path, headers=headers)
    else:
        answered = client.post(path, headers=headers, content=form)
    if answered.status_code != 200:
        yield f"{method} {path} {form}: {answered.status_code} {answered.text}"
        return
    answer = answered.json()
    for seen in answer["data"] if answer["object"] == "list" else [answer]:
        yield from _unread(seen, f"{method} {path}")


def _unread(seen: dict[str, Any], where: str) -> Iterator[str]:
    try:
        msgspec.convert(seen, READ[seen["object"]])
    except (KeyError, msgspec.ValidationError) as error:
        yield f"{where}: its answer cannot be read: {error!r}"


def _built(go: str) -> Path:
    """stripe-mock, built by Go once for this machine."""
    target = cache() / f"stripe-mock-{MOCK.rpartition('v')[2]}"

    def build(folder: Path) -> None:
        environment = os.environ | {"GOBIN": str(folder), "GOFLAGS": "-mod=mod"}
        subprocess.run([go, "install", MOCK], env=environment, check=True)

    with locked(cache()):
        make_once(target, build)
    return target / "stripe-mock"


@contextmanager
def _mock(program: Path) -> Iterator[str]:
    """stripe-mock on this machine's loopback alone."""
    ports: list[int] = []
    while len(ports) < 2:
        if (port := free_port()) not in ports:
            ports.append(port)
    addresses = [f"127.0.0.1:{port}" for port in ports]
    command: Sequence[str] = [str(program), "-http-addr", addresses[0], "-https-addr", addresses[1]]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            _wait_for(ports[0])
            yield f"http://{addresses[0]}"
        finally:
            process.terminate()


def _wait_for(port: int) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise TimeoutError("stripe-mock does not listen after a minute")


if __name__ == "__main__":
    sys.exit(main())
