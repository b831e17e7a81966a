"""`prorata history`: every event of an account, for auditors."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from cyclopts import Parameter

from domain import events as e
from domain.calendar import local_text
from domain.explain import rule_of_event
from domain.texts import escaped
from eventlog.codec import domain_codec
from eventlog.errors import EventUnreadable
from eventlog.records import StoredEvent
from prorata.cli.account.present import AccountName, LanguageChoice, Tenant
from prorata.cli.audit.moments import History, KnownAtOption
from prorata.settings import Settings
from prorata.wiring import opened_log
from prorata.wording import Wording, event_said_in_full
from service.clock import SystemClock


def history(
    account: AccountName,
    *,
    known_at: KnownAtOption = None,
    json: Annotated[bool, Parameter(negative="", help="One JSON object an event, one a line.")] = False,
    language: LanguageChoice = "en",
    tenant: Tenant = "main",
) -> int:
    """Every event of an account, in order, with what it did and by which rule.

    Exit 1: this code cannot read some of them. These are named, and the others shown.
    """
    with opened_log(Settings.of()) as log:
        found = History.of(log, account, tenant, SystemClock().now())
    say, unread = Wording(language), 0
    for stored in found.known(known_at, "--known-at"):
        if json:
            print(msgspec.json.encode(audited(stored)).decode())
            continue
        try:
            what, did = _told(domain_codec().read(stored), stored, found.currency, say)
        except EventUnreadable as error:
            unread += 1
            what = f"in schema version {stored.schema_version}"
            did = f"cannot be read: {error.reason}"
        _print_event(stored, what, did, found.zone)
    return 1 if unread else 0


def _told(event: e.Event, stored: StoredEvent, currency: str, say: Wording) -> tuple[str, str]:
    """The event's rule and actor, and a sentence on what it did."""
    who = "" if event.command is None else f" by {stored.actor or event.command.role}"
    return f"({rule_of_event(event)}){who}", event_said_in_full(event, currency, say)


def _print_event(stored: StoredEvent, what: str, did: str, zone: str) -> None:
    recorded = f"{stored.recorded_at:%Y-%m-%d %H:%M:%S}Z"
    at = f"{local_text(stored.effective_at, zone):<25}"
    print(f"{stored.version:>4}  {at}  {escaped(f'{stored.type} {what}')}")
    print(f"      {escaped(did)}")
    print(f"      recorded {recorded} at position {stored.position}, hash {stored.hash.hex()[:16]}…")


def audited(stored: StoredEvent) -> dict[str, Any]:
    """The row as stored; its state, which is JSON, stays as its bytes are."""
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
        "event": msgspec.Raw(_one_line(stored.state)),
        "previous_hash": stored.previous_hash.hex(),
        "hash": stored.hash.hex(),
    }


def _one_line(state: bytes) -> bytes:
    """The JSON unchanged, unless altered bytes hold line breaks, which would pass for lines of their own."""
    return msgspec.json.format(state, indent=-1) if b"\n" in state or b"\r" in state else state
