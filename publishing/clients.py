"""How our clients of the broker are set up, whoever makes one: the one place that makes kafka-python's
arguments.

    KafkaConsumer(**to(broker), **READER)
    KafkaConsumer(**to(SecuredBroker("kafka:9093", "SASL_SSL", user="relay", password="…")), **READER)
"""

from __future__ import annotations

import importlib
import logging
from collections.abc import Callable
from typing import Any, Final, Literal, TypeAlias, cast

import msgspec
from kafka.errors import KafkaTimeoutError, RequestTimedOutError

Protocol: TypeAlias = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
Mechanism: TypeAlias = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"]


class SecuredBroker(msgspec.Struct, frozen=True):
    """A broker, and how a client of it proves who it is. Its representation holds no secret.

    `servers`: host:port, separated by commas. `ca`: the file of the authorities that the broker's certificate
    is checked by; None: those of the machine. `certificate` and `key`: files of the client's own. `token`:
    `module:function` without arguments that returns a bearer token, asked at each connection.
    """

    servers: str
    protocol: Protocol = "PLAINTEXT"
    mechanism: Mechanism | None = None
    user: str | None = None
    password: str | None = None
    token: str | None = None
    ca: str | None = None
    certificate: str | None = None
    key: str | None = None
    key_password: str | None = None

    def __repr__(self) -> str:
        return f"SecuredBroker({self.servers!r}, {self.protocol!r}, user={self.user!r})"


Broker: TypeAlias = str | SecuredBroker
"""Where a broker is: host:port of one that asks nobody who they are, or how to prove it."""

CLIENT: Final[dict[str, Any]] = {
    "reconnect_backoff_ms": 50,
    "reconnect_backoff_max_ms": 500,
    "bootstrap_timeout_ms": 10_000,
}
"""For every client: the defaults, 30 s each, are far too lazy after a broker's restart."""

READER: Final[dict[str, Any]] = {
    **CLIENT,
    "isolation_level": "read_committed",
    "enable_auto_commit": False,
    "auto_offset_reset": "none",  # an offset that is gone is an error, not a wish to begin elsewhere
}
"""Of a consumer of committed records, which keeps its offsets itself."""

ENDING_READER: Final[dict[str, Any]] = {**READER, "fetch_max_wait_ms": 20}
"""Of what is there now. Behind the last record stand a marker and perhaps aborted records, where a broker
that has nothing to say holds its answer back for so long, by default half a second."""


def to(broker: Broker) -> dict[str, Any]:
    """The arguments by which a client reaches this broker: addresses, TLS, and who it is."""
    if isinstance(broker, str):
        return {"bootstrap_servers": broker.split(",")}
    arguments: dict[str, Any] = {
        "bootstrap_servers": broker.servers.split(","),
        "security_protocol": broker.protocol,
    }
    if broker.protocol in ("SSL", "SASL_SSL"):
        arguments |= {
            "ssl_cafile": broker.ca,
            "ssl_certfile": broker.certificate,
            "ssl_keyfile": broker.key,
            "ssl_password": broker.key_password,
        }
    if broker.protocol in ("SASL_PLAINTEXT", "SASL_SSL"):
        arguments["sasl_mechanism"] = broker.mechanism
        if broker.mechanism == "OAUTHBEARER":
            arguments["sasl_oauth_token_provider"] = _provider(token_function(broker.token or ""))
        else:
            arguments |= {"sasl_plain_username": broker.user, "sasl_plain_password": broker.password}
    return arguments


def token_function(name: str) -> Callable[[], str]:
    """The function at `module:function`. Raises LookupError with a reason."""
    module, _, function = name.partition(":")
    try:
        found = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError, ValueError) as error:
        reason = f"{name!r} is no function that returns a token (such as our.tokens:fetch): {error}"
        raise LookupError(reason) from None
    return cast("Callable[[], str]", found)


def _provider(function: Callable[[], str]) -> Any:
    """What kafka-python asks for a token whenever it connects."""
    from kafka.net.sasl.oauth import AbstractTokenProvider

    class Tokens(AbstractTokenProvider):
        def token(self) -> str:
            return function()

    return Tokens()


class _LastRefusal(logging.Filter):
    """Remembers why a connection to a broker failed last. kafka-python says so to its log alone, tries again
    until its time is up, and then names no reason."""

    error: BaseException | None = None

    def filter(self, record: logging.LogRecord) -> bool:
        given = record.args if isinstance(record.args, tuple) else ()
        found = [
            one
            for one in given
            if isinstance(one, Exception) and not isinstance(one, KafkaTimeoutError | RequestTimedOutError)
        ]
        self.error = found[-1] if found else self.error
        return True


_refusals: Final = _LastRefusal()
logging.getLogger("kafka.net.manager").addFilter(_refusals)


def last_refusal() -> BaseException | None:
    """Why the last connection to a broker that failed did so; None: none has."""
    return _refusals.error
