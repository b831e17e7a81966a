"""A key of live mode charges nobody unless that is meant, and no secret is shown."""

import subprocess
import sys

import pytest

from domain.errors import InvalidInput
from service.gateways.stripe.opening import StripeSettings

TEST, LIVE = "sk_test_abc", "sk_live_abc"


def _refused(variable: str, **environment: str) -> str:
    with pytest.raises(InvalidInput) as refused:
        StripeSettings.of(environment)
    assert (refused.value.code, refused.value.place) == ("invalid_setting", variable)
    return str(refused.value)


def test_a_live_key_is_refused_unless_real_money_is_asked_for() -> None:
    for key in (LIVE, "rk_live_abc"):
        said = _refused("PRORATA_STRIPE_KEY", PRORATA_STRIPE_KEY=key)
        assert "PRORATA_STRIPE_LIVE=1" in said
        assert key not in said
        assert StripeSettings.of({"PRORATA_STRIPE_KEY": key, "PRORATA_STRIPE_LIVE": "1"}).live


def test_a_test_key_is_refused_where_real_money_is_asked_for() -> None:
    _refused("PRORATA_STRIPE_KEY", PRORATA_STRIPE_KEY=TEST, PRORATA_STRIPE_LIVE="1")
    assert not StripeSettings.of({"PRORATA_STRIPE_KEY": TEST}).live


@pytest.mark.parametrize("key", ["", "pk_test_abc", "whsec_abc", "abc"])
def test_what_is_no_secret_key_is_refused(key: str) -> None:
    _refused("PRORATA_STRIPE_KEY", PRORATA_STRIPE_KEY=key)


def test_only_a_test_key_goes_to_another_address_and_only_on_this_machine() -> None:
    here = {"PRORATA_STRIPE_URL": "http://127.0.0.1:12111"}
    there = {"PRORATA_STRIPE_URL": "https://stripe.example.com"}

    assert StripeSettings.of({"PRORATA_STRIPE_KEY": TEST, **here}).url == here["PRORATA_STRIPE_URL"]
    _refused("PRORATA_STRIPE_URL", PRORATA_STRIPE_KEY=TEST, **there)
    _refused("PRORATA_STRIPE_URL", PRORATA_STRIPE_KEY=LIVE, PRORATA_STRIPE_LIVE="1", **here)


def test_the_package_is_not_let_write_requests_to_stderr() -> None:
    _refused("STRIPE_LOG", PRORATA_STRIPE_KEY=TEST, STRIPE_LOG="debug")


def test_secrets_are_in_no_repr() -> None:
    settings = StripeSettings.of({"PRORATA_STRIPE_KEY": TEST, "PRORATA_STRIPE_WEBHOOK_SECRETS": "whsec_1, "})
    assert settings.webhook_secrets == ("whsec_1",)
    assert TEST not in repr(settings)
    assert "whsec_1" not in repr(settings)


def test_the_package_is_imported_only_when_a_gateway_is_opened() -> None:
    program = "import sys, service.gateways.stripe; print('stripe' in sys.modules, 'httpx' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


def test_where_the_package_is_missing_it_is_said_how_to_get_it() -> None:
    program = """
import sys
sys.modules["stripe"] = None
from domain.errors import InvalidInput
from service.gateways.stripe import opened
try:
    opened("", patience=1)
except InvalidInput as refused:
    print(refused.code, refused.place, refused)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("invalid_setting PRORATA_GATEWAY")
    assert "pip install 'prorata[stripe]'" in done.stdout
