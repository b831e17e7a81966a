"""Messages are signed as https://www.standardwebhooks.com says."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

import pytest

from consumers.webhooks.signing import checked_secret, new_secret, signed_headers
from domain.errors import InvalidInput


def test_the_signature_is_that_of_the_specifications_own_example() -> None:
    """The example of the reference libraries' tests."""
    headers = signed_headers(
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        datetime.fromtimestamp(1614265330, UTC),
        b'{"test": 2432232314}',
        ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
    )
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_each_secret_has_its_signature() -> None:
    keys = [new_secret(), new_secret()]
    signature = signed_headers("m", datetime.now(UTC), b"x", keys)["webhook-signature"]
    assert [part.partition(",")[0] for part in signature.split(" ")] == ["v1", "v1"]
    assert len(set(signature.split(" "))) == 2


@pytest.mark.parametrize(
    "text",
    [
        "",
        "whsec_",
        "whsec_short",
        "xwhsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "whsec_" + base64.b64encode(b"x" * 65).decode(),
        "whsec_é",
    ],
)
def test_what_is_no_secret_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        checked_secret(text, "$.secret")
    assert refused.value.code == "invalid_secret"


def test_secrets_are_long_and_never_the_same() -> None:
    made = {new_secret() for _ in range(100)}
    assert len(made) == 100
    assert all(checked_secret(one, "$") == one for one in made)
