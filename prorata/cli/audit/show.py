"""`prorata show` and `prorata diff`: an account at a moment of the past, and what changed between two
moments."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, Any

import msgspec
from cyclopts import Parameter

from domain import events as e
from domain.calendar import Instant
from domain.errors import InvalidInput
from domain.explain import rule_of_event
from eventlog.codec import domain_codec
from eventlog.records import StoredEvent
from projections.history.as_of import At, AtInstant, AtVersion
from projections.history.changes import between, changes
from projections.history.past import Past
from prorata.cli.account.present import AccountName, Json, LanguageChoice, Tenant
from prorata.cli.audit.moments import History, KnownAtOption
from prorata.cli.audit.show_screen import ReadEvent, print_diff, print_past
from prorata.cli.terminal.tables import console
from prorata.settings import Settings
from prorata.wiring import opened_log
from prorata.wording import Wording, event_said
from prorata.wording.changes import changes_said
from service.clock import SystemClock

_MOMENT = "an instant, version:N or position:N"


def show(
    account: AccountName,
    *,
    at: Annotated[str | None, Parameter(help="As it was at this instant; ends by time are counted.")] = None,
    position: Annotated[int | None, Parameter(help="When the log had reached this position.")] = None,
    version: Annotated[int | None, Parameter(help="When the account had this many events.")] = None,
    known_at: KnownAtOption = None,
    json: Json = False,
    language: LanguageChoice = "en",
    tenant: Tenant = "main",
) -> int:
    """The account as it was: standing, entitlements, invoices and access windows, from the log alone.

    Without a moment: now, and on a test clock after its last event.
    """
    history = _history(account, tenant)
    given = [
        name
        for name, value in (("at", at), ("position", position), ("version", version))
        if value is not None
    ]
    if len(given) > 1:
        names = " and ".join(f"--{name}" for name in given)
        raise InvalidInput("one_moment_only", names, "give one of --at, --position and --version")
    place = f"--{given[0]}" if given else "--known-at"
    upto: At | AtVersion | AtInstant | None = None
    if at is not None:
        upto = AtInstant(history.instant(at, place))
    elif position is not None:
        upto = history.position(position, place)
    elif version is not None:
        upto = history.version(version, place)
    found, say = history.look(upto, known_at, place, "--known-at"), Wording(language)
    if json:
        print(msgspec.json.encode(show_json(found, say)).decode())
    else:
        print_past(console(), found, say, account=account)
    return 0


def diff(
    account: AccountName,
    *,
    from_: Annotated[str, Parameter(name="--from", help=f"The earlier look: {_MOMENT}.")],
    to: Annotated[str | None, Parameter(help=f"The later look: {_MOMENT}; default: as `show`.")] = None,
    known_from: Annotated[str | None, Parameter(help="The earlier look as known at this instant.")] = None,
    known_to: Annotated[str | None, Parameter(help="The later look as known at this instant.")] = None,
    json: Json = False,
    language: LanguageChoice = "en",
    tenant: Tenant = "main",
) -> int:
    """What changed of the account between two looks, in words, and which events did it."""
    history = _history(account, tenant)
    before = history.look(history.written(from_, "--from"), known_from, "--from", "--known-from")
    upto = None if to is None else history.written(to, "--to")
    after = history.look(upto, known_to, "--to", "--known-to")
    say = Wording(language)
    if json:
        print(msgspec.json.encode(diff_json(before, after, history.events, say)).decode())
    else:
        told = events_between(before, after, history.events)
        found = changes_said(changes(before, after, history.events), before, after, say)
        print_diff(console(), before, after, found, told, say, account=account)
    return 0


def _history(account: str, tenant: str) -> History:
    with opened_log(Settings.of()) as log:
        return History.of(log, account, tenant, SystemClock().now())


def show_json(found: Past, say: Wording) -> dict[str, Any]:
    """The JSON of `show`: the moment, the last event that counts, the state, and the documents in the state
    topics' form."""
    state = msgspec.structs.asdict(found.state) | {"commands": {}}
    del state["invoices"]  # the documents say more
    return {
        "account": found.last.account_id,
        **_look_json(found),
        "state": state,
        "entitlements": found.entitlements,
        "access_windows": found.access_windows,
        "invoices": found.invoices,
        "credit_notes": found.credit_notes,
        "usable": found.usable,
        "in_grace": found.in_grace,
        "by_time": [_event_json(event, found, say) for event in found.by_time],
        "awaited": found.unsettled,
    }


def diff_json(before: Past, after: Past, events: Sequence[StoredEvent], say: Wording) -> dict[str, Any]:
    """The JSON of `diff`: both looks, every field that differs, the same in sentences, and the events
    between; an event is marked `back` if only the earlier look has it."""
    found = changes(before, after, events)
    return {
        "account": after.last.account_id,
        "from": _look_json(before),
        "to": _look_json(after),
        "changes": found,
        "sentences": changes_said(found, before, after, say),
        "direction": "back" if after.last.version < before.last.version else "forth",
        "events": [
            {"version": stored.version, "position": stored.position, "recorded_at": stored.recorded_at}
            | _event_json(event, after, say)
            for stored, event in events_between(before, after, events)
        ],
    }


def events_between(before: Past, after: Past, events: Iterable[StoredEvent]) -> list[ReadEvent]:
    """The events that count for only one of the two looks, as stored and as decoded."""
    codec = domain_codec()
    return [(stored, codec.read(stored)) for stored in between(before, after, events)]


def _look_json(found: Past) -> dict[str, Instant | int | None]:
    last: StoredEvent = found.last
    return {
        "at": found.at,
        "known_at": found.known_at,
        "version": last.version,
        "position": last.position,
        "recorded_at": last.recorded_at,
        "effective_at": last.effective_at,
    }


def _event_json(event: e.Event, found: Past, say: Wording) -> dict[str, Any]:
    return {
        "type": e.type_name(event),
        "effective_at": event.at,
        "rule": rule_of_event(event),
        "sentence": event_said(event, found.state.currency, say),
    }
