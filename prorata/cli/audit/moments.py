"""Moments of an account's past as `show` and `diff` take them on the command line."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Annotated

import msgspec
from cyclopts import Parameter

from domain.calendar import Instant, local_text, parse_moment
from domain.errors import InvalidInput
from domain.events import Opening
from eventlog.codec import domain_codec
from eventlog.errors import EventUnreadable
from eventlog.port import EventLog
from eventlog.records import StoredEvent
from projections.history.as_of import At, AtInstant, AtVersion, KnownAt, counted, events_of
from projections.history.past import Past, ReadHistory
from prorata.cli.account.present import unknown
from service.commands import account_id_of

KnownAtOption = Annotated[str | None, Parameter(help="Only what had been recorded by this instant.")]


class History(msgspec.Struct, frozen=True, dict=True):
    """An account's events, with the log's last position and the present instant."""

    events: Sequence[StoredEvent]
    last_position: int
    now: Instant
    kept: ReadHistory | None = None
    """The same events as they were read before."""

    @classmethod
    def of(cls, log: EventLog, account: str, tenant: str, now: Instant) -> History:
        """All events of the account. Raises InvalidInput `unknown_account`."""
        events = list(events_of(log, account_id_of(tenant, account)))
        if not events:
            raise unknown(account, tenant)
        return cls(events, log.last_position(), now)

    @cached_property
    def read(self) -> ReadHistory:
        """The events that can be read, for many looks."""
        return ReadHistory.of(self.events) if self.kept is None else self.kept

    @cached_property
    def opened(self) -> Opening:
        """The event that opened the account. Raises EventUnreadable."""
        opened = domain_codec().read(self.events[0])
        assert isinstance(opened, Opening)
        return opened

    @cached_property
    def zone(self) -> str:
        """The account's time zone; UTC if its opening cannot be read."""
        try:
            return self.opened.time_zone
        except EventUnreadable:
            return "UTC"

    @cached_property
    def currency(self) -> str:
        """The account's currency; XXX, the code for none, if its opening cannot be read."""
        try:
            return self.opened.currency
        except EventUnreadable:
            return "XXX"

    def instant(self, text: str, place: str) -> Instant:
        """The instant in the account's zone. Raises InvalidInput `invalid_moment`, `nonexistent_time`."""
        return parse_moment(text, self.zone, place)

    def version(self, version: int, place: str) -> AtVersion:
        """The moment after this event of the account. Raises InvalidInput `unknown_version`."""
        last = self.events[-1].version
        if not 1 <= version <= last:
            message = f"the account has no version {version}: its versions are 1 to {last}"
            raise InvalidInput("unknown_version", place, message)
        return AtVersion(version)

    def position(self, position: int, place: str) -> At:
        """The moment at this position of the log. Raises InvalidInput `unknown_position`."""
        if not 0 < position <= self.last_position:
            message = f"the log has not reached position {position}: its last is {self.last_position}"
            raise InvalidInput("unknown_position", place, message)
        return At(position)

    def look(
        self, upto: At | AtVersion | AtInstant | None, known_at: str | None, place: str, known_place: str
    ) -> Past:
        """The account at that moment. The default is now, or `known_at`, on the wall clock; on a test clock
        it is the state after the last event.

        Raises InvalidInput `no_account_yet`.
        """
        known = None if known_at is None else self.instant(known_at, known_place)
        if upto is None and self.opened.clock == "wall":
            upto = AtInstant(self.now if known is None else min(known, self.now))
        found = self.read.past(upto, known_at=known)
        if found is None:
            raise self._no_account_yet(place)
        return found

    def known(self, known_at: str | None, place: str) -> Sequence[StoredEvent]:
        """The events recorded by that instant. Raises InvalidInput `no_account_yet`."""
        if known_at is None:
            return self.events
        if not (found := list(counted(self.events, KnownAt(self.instant(known_at, place))))):
            raise self._no_account_yet(place)
        return found

    def written(self, text: str, place: str) -> At | AtVersion | AtInstant:
        """The moment that a text gives: `version:3`, `position:120`, or an instant."""
        kind, separator, number = text.partition(":")
        if not separator or kind not in ("version", "position"):
            return AtInstant(self.instant(text, place))
        if not (number.isascii() and number.isdigit() and len(number) < 19):
            message = f"{number[:40]!r} is not a {kind} (such as {kind}:3)"
            raise InvalidInput("invalid_moment", place, message)
        return (self.version if kind == "version" else self.position)(int(number), place)

    def _no_account_yet(self, place: str) -> InvalidInput:
        first = self.events[0]
        message = (
            f"there was no account yet: it was opened at {local_text(first.effective_at, self.zone)} "
            f"(position {first.position}, recorded {first.recorded_at:%Y-%m-%dT%H:%M:%SZ})"
        )
        return InvalidInput("no_account_yet", place, message)
