"""Which settings of the broker go together; each refusal names the setting that lacks or is too much."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal, NoReturn, TypeAlias

from domain.errors import InvalidInput

if TYPE_CHECKING:
    from prorata.settings import Settings

Protocol: TypeAlias = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
Mechanism: TypeAlias = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"]


def check_broker(settings: Settings) -> None:
    """Raises InvalidInput `invalid_setting`."""
    protocol, mechanism = settings.kafka_protocol, settings.kafka_mechanism
    if protocol.startswith("SASL"):
        _check_login(settings)
    elif mechanism is not None or settings.kafka_user is not None or settings.kafka_password is not None:
        _refuse("protocol", f"{protocol} asks for no login: SASL_SSL (or SASL_PLAINTEXT) does")
    files = {name: getattr(settings, f"kafka_{name}") for name in ("ca", "certificate", "key")}
    for name, path in files.items():
        if path is None:
            continue
        if not protocol.endswith("SSL"):
            _refuse("protocol", f"{protocol} uses no certificates, and PRORATA_KAFKA_{name.upper()} is set")
        if not Path(path).is_file():
            _refuse(name, f"there is no file {path}")
    if settings.kafka_key is not None and settings.kafka_certificate is None:
        _refuse("certificate", "it is missing, and PRORATA_KAFKA_KEY is set")


def _check_login(settings: Settings) -> None:
    mechanism = settings.kafka_mechanism
    if mechanism is None:
        _refuse("mechanism", "it is missing: PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER")
    if mechanism == "OAUTHBEARER":
        if settings.kafka_token is None:
            _refuse("token", "it is missing: module:function that returns a token")
        from publishing.clients import token_function

        try:
            token_function(settings.kafka_token)
        except LookupError as error:
            _refuse("token", str(error.args[0]))
        return
    for name in ("user", "password"):
        if getattr(settings, f"kafka_{name}") is None:
            _refuse(name, f"it is missing, and {mechanism} needs it")


def _refuse(name: str, reason: str) -> NoReturn:
    raise InvalidInput("invalid_setting", f"PRORATA_KAFKA_{name.upper()}", reason)
