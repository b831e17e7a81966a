"""Wire what keeps billing details together: its store, the system's key, and who erases."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Final

from domain.errors import InvalidInput
from prorata.settings import Settings
from prorata.wiring import PATIENCE, opened_log
from service.account_log import BlockingLog
from service.clock import SystemClock
from service.persons.erasing import Eraser
from service.persons.store import PostgresDetails
from service.persons.vault import Vault

_PLACE: Final = "PRORATA_PERSONS_KEY"


def vault_of(settings: Settings) -> Vault:
    """What seals and opens billing details, by the keys in the file that the settings name.

    Raises InvalidInput `persons_key_missing`, `invalid_setting`.
    """
    if settings.persons_key is None:
        message = "no key for billing details: `prorata persons key FILE` makes one, and this names its file"
        raise InvalidInput("persons_key_missing", _PLACE, message)
    try:
        keys = Path(settings.persons_key).read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise InvalidInput("invalid_setting", _PLACE, f"the key's file cannot be read: {reason}") from None
    return Vault(keys)


@contextmanager
def opened_details(settings: Settings) -> Iterator[PostgresDetails]:
    """The kept versions only."""
    with closing(PostgresDetails(settings.database_url, patience=PATIENCE)) as store:
        yield store


@contextmanager
def opened_eraser(settings: Settings) -> Iterator[Eraser]:
    """Who erases."""
    with ExitStack() as stack:
        log = stack.enter_context(opened_log(settings))
        store = stack.enter_context(opened_details(settings))
        yield Eraser(BlockingLog(log), store, SystemClock(), retention_years=settings.retention_years)
