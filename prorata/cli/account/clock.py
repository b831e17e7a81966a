"""`prorata clock`: moves an account on a test clock on, and says what happened on the way."""

from __future__ import annotations

from typing import Annotated

import msgspec
from cyclopts import Parameter

from domain.calendar import local_text
from domain.errors import InvalidInput
from domain.explain import rule_of_event
from domain.texts import escaped
from eventlog.codec import domain_codec
from prorata.cli.account.present import AccountName, LanguageChoice, Tenant, instant_of, names_of, unknown
from prorata.settings import Settings
from prorata.wording import Wording, event_said_in_full


def clock(
    account: AccountName,
    *,
    advance_to: Annotated[
        str, Parameter(help="A date, or a moment; without an offset in the account's time zone.")
    ],
    json: Annotated[bool, Parameter(negative="", help="One JSON object an event, one a line.")] = False,
    language: LanguageChoice = "en",
    tenant: Tenant = "main",
) -> int:
    """Move an account on a test clock on to a moment: what falls due on the way happens, each at its own
    instant, as if the billing run had passed every one of them.

    Exit 3: a payment has no answer; give it again.
    """
    from prorata.cli.audit.history import audited
    from prorata.wiring import running
    from service.commands import account_id_of
    from service.completing import complete
    from service.test_clock import advance

    with running(Settings.of()) as system:
        account_id = account_id_of(tenant, account)
        before = system.service.account(account_id)
        if before is None:
            raise unknown(account, tenant)
        if before.clock != "test":
            raise InvalidInput(
                "wrong_clock", "", f"{account!r} lives on the wall clock, which nobody moves on"
            )
        system.service.check_clock("test")
        until = instant_of(before, advance_to, before.last_at, "--advance-to")
        complete(advance(system.service.core, account_id, until))
        happened = system.log.read_account(account_id, before.version)
        catalogues = system.catalogues.series_for(before)
    say, codec = Wording(language, names_of(catalogues.ever_sold(until))), domain_codec()
    for stored in happened:
        if json:
            print(msgspec.json.encode(audited(stored)).decode())
            continue
        event = codec.read(stored)
        at = f"{local_text(stored.effective_at, before.time_zone):<25}"
        print(f"{stored.version:>4}  {at}  {escaped(f'{stored.type} ({rule_of_event(event)})')}")
        print(f"      {escaped(event_said_in_full(event, before.currency, say))}")
    if not json and not happened:
        print(f"nothing fell due up to {local_text(until, before.time_zone)}")
    return 0
