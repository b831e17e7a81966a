"""`prorata reconcile`: our payments against the payment provider's own list."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import msgspec
from cyclopts import Parameter

from domain.errors import CHECK_FAILED, DONE, TRY_AGAIN, InvalidInput
from prorata.cli.account.present import LanguageChoice
from prorata.settings import Settings

if TYPE_CHECKING:
    from service.reconciling.comparing import Report


def reconcile(
    *,
    day: Annotated[str | None, Parameter(help="The day at the provider, in UTC; default: yesterday.")] = None,
    json: Annotated[bool, Parameter(negative="", help="The report as one JSON object.")] = False,
    language: LanguageChoice = "en",
) -> int:
    """Ask the payment provider for every end of a payment that lacks here, and compare its own list of a day
    with our books: what is missing, doubled or of another amount, refunds and disputes too.

    Exit 1: the books differ. Exit 3: they agree, and the provider gave no answer about some payment.
    """
    from projections.live.projector import Projector
    from projections.registry import projection_named
    from prorata.wiring import running
    from service.completing import complete
    from service.reconciling.comparing import Reconciliation
    from service.reconciling.pending import pending_accounts

    settings = Settings.of()
    with running(settings) as system:
        system.service.check_clock("wall")
        on = _day(day, system.clock.now().astimezone(UTC).date())
        calendar = [projection_named("calendar")]
        with Projector(settings.database_url, system.log, calendar) as projector:
            projector.run_once()
        one_gateway = system.gateways.wall is system.gateways.test
        reconciliation = Reconciliation(
            system.service.core,
            system.log,
            system.gateways.wall,
            ("wall", "test") if one_gateway else ("wall",),
        )
        report = complete(reconciliation.of_day(on, pending_accounts(settings.database_url)))
    _print(report, language, json=json)
    if not report.agrees:
        return CHECK_FAILED
    return TRY_AGAIN if report.unanswered else DONE


def _day(text: str | None, today: date) -> date:
    if text is None:
        return today - timedelta(days=1)
    try:
        day = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).date()
    except ValueError:
        raise InvalidInput("invalid_date", "--day", f"{text!r} is no date such as 2026-04-05") from None
    if day > today:
        raise InvalidInput("invalid_date", "--day", f"{text} has not begun yet")
    return day


def _print(report: Report, language: LanguageChoice, *, json: bool) -> None:
    from prorata.wording import wording
    from prorata.wording.reconciling import reconciliation_said

    if json:
        print(msgspec.json.encode(report).decode())
        return
    for line in reconciliation_said(report, wording(language)):
        print(line)
