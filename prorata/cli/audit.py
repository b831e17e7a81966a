"""`prorata history` and `prorata rebuild`: what auditors and engineers ask of the log."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import msgspec
from cyclopts import Parameter

from domain.errors import InvalidInput
from prorata.settings import Settings


def history(
    account: Annotated[str, Parameter(help="The account's id within the tenant.")],
    *,
    json: Annotated[bool, Parameter(negative="", help="One JSON object an event, one a line.")] = False,
    tenant: Annotated[str, Parameter(help="The tenant whose account is meant.")] = "main",
) -> int:
    """Every event of an account, in order, with what it did and by which rule."""
    from domain.calendar import local_text
    from domain.evolve import evolve
    from domain.explain import rule_of_event
    from eventlog.codec import domain_codec
    from prorata.narration import narrated
    from prorata.wiring import opened_log
    from service.commands import account_id_of

    codec, state = domain_codec(), None
    with opened_log(Settings.of()) as log:
        events = log.read_account(account_id_of(tenant, account))
    if not events:
        raise InvalidInput("unknown_account", "", f"there is no account {account!r} of the tenant {tenant!r}")
    for stored in events:
        if json:
            print(msgspec.json.encode(_audited(stored)).decode())
            continue
        event = codec.read(stored)
        state = evolve(state, event)
        when = local_text(stored.effective_at, state.time_zone)
        who = "" if event.command is None else f" by {stored.actor or event.command.role}"
        print(f"{stored.version:>4}  {when:<25}  {stored.type} ({rule_of_event(event)}){who}")
        print(f"      {narrated(event)}")
        recorded = f"{stored.recorded_at:%Y-%m-%d %H:%M:%S}Z"
        print(f"      recorded {recorded} at position {stored.position}, hash {stored.hash.hex()[:16]}…")
    return 0


def _audited(stored: Any) -> dict[str, Any]:
    """The row as it is, its bytes as the JSON that they are."""
    return {
        "position": stored.position,
        "account": stored.account_id,
        "version": stored.version,
        "event_id": str(stored.event_id),
        "command_id": stored.command_id,
        "type": stored.type,
        "schema_version": stored.schema_version,
        "recorded_at": stored.recorded_at,
        "effective_at": stored.effective_at,
        "actor": stored.actor,
        "event": msgspec.Raw(stored.state),
        "previous_hash": stored.previous_hash.hex(),
        "hash": stored.hash.hex(),
    }


def rebuild(
    projection: Annotated[str, Parameter(help="entitlements, access_windows, invoices or calendar.")],
    *,
    swap: Annotated[
        bool, Parameter(negative="--no-swap", help="Put the rebuilt tables in the live ones' place.")
    ] = True,
    workers: Annotated[int, Parameter(help="Processes that fold.")] = 1,
) -> int:
    """Fold a read model anew from the log alone, compare it with the live one, and swap.

    Every difference is printed. Exit 0: there was none; 1: there were.
    """
    from projections import projection_named
    from projections import rebuild as rebuilt
    from prorata.wiring import opened_log

    settings = Settings.of()
    named = projection_named(projection)
    found = 0
    with opened_log(settings) as log:
        print(f"folding {projection} from the log …", file=sys.stderr, flush=True)
        for difference in rebuilt(settings.database_url, log, named, swap=swap, processes=workers):
            print(difference)
            found += 1
    print(
        f"{found} differences; " + ("the rebuilt tables are live" if swap else "nothing was swapped"),
        file=sys.stderr,
    )
    return 1 if found else 0
