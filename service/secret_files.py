"""Secrets that are given by file, as Docker, Kubernetes and systemd hand them to a process.

PRORATA_KAFKA_PASSWORD_FILE=/run/secrets/kafka       # instead of PRORATA_KAFKA_PASSWORD
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from domain.errors import InvalidInput

SECRETS: Final = (
    "PRORATA_DATABASE_URL",
    "PRORATA_DATABASE_PASSWORD",
    "PRORATA_TEST_GATEWAY_URL",
    "PRORATA_KAFKA_PASSWORD",
    "PRORATA_KAFKA_KEY_PASSWORD",
    "PRORATA_API_SECRET",
    "PRORATA_SIGN_IN_SECRET",
    "PRORATA_STRIPE_KEY",
    "PRORATA_STRIPE_WEBHOOK_SECRETS",
)
"""The variables that hold a secret: none of them is ever printed, and each may be given as `…_FILE`."""


def with_secret_files(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment with each secret that a file holds; a line break at its end is no part of it.

    Raises InvalidInput `invalid_setting` where a file cannot be read, or a secret is given twice.
    """
    given = dict(environment)
    for name in SECRETS:
        variable = f"{name}_FILE"
        if path := environment.get(variable):
            if environment.get(name):
                raise InvalidInput("invalid_setting", variable, f"{name} is set too: give one of them")
            given[name] = _content(variable, path)
    return given


def _content(variable: str, path: str) -> str:
    try:
        found = Path(path).read_text(encoding="utf-8").removesuffix("\n").removesuffix("\r")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise InvalidInput("invalid_setting", variable, f"{path}: {reason}") from None
    if not found:
        raise InvalidInput("invalid_setting", variable, f"{path} is empty")
    return found
