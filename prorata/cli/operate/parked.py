"""`prorata parked`: accounts that a read model has stopped at; `prorata release`: let one go on."""

from __future__ import annotations

from typing import Annotated

import msgspec
from cyclopts import Parameter

from domain.errors import InvalidInput
from prorata.cli.terminal.failures import complain
from prorata.settings import Settings


def parked(*, json: Annotated[bool, Parameter(negative="", help="One JSON object a line.")] = False) -> int:
    """Every account that a read model has stopped at: since when, at which event, and why."""
    from eventlog.postgres.connect import connect
    from projections.live.parking import parked as parked_accounts
    from prorata.cli.operate.project_screen import print_parked

    with connect(Settings.of().database_url, "prorata parked", reads_only=True) as connection:
        found = parked_accounts(connection)
    if not json:
        print_parked(found)
        return 0
    for entry in found:
        print(msgspec.json.encode(entry).decode())
    return 0


def release(account: Annotated[str, Parameter(help="The parked account, as `parked` shows it.")]) -> int:
    """Fold a parked account anew, and let it go on.

    Exit 1: what stopped it still does so in some read model (said on stderr), where it stays parked.
    """
    from projections.live.projector import Projector
    from prorata.wiring import opened_log

    settings = Settings.of()
    with opened_log(settings) as log, Projector(settings.database_url, log) as projector:
        outcomes = projector.release(account)
    if not outcomes:
        raise InvalidInput("not_parked", "ACCOUNT", f"{account!r} is not parked: see `prorata parked`")
    for name, failure in outcomes.items():
        if failure is None:
            print(f"{account} goes on in {name}")
        else:
            complain("still_parked", f"{name}: {failure.error}")
    return 1 if any(outcomes.values()) else 0
