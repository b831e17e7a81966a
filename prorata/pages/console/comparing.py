"""Two moments of an account side by side, and what changed between them.

shown = await compared(desk, call, say)    # ?from=2026-04-01&to=version:9&known_from=&known_to=
shown.sentences, shown.events
"""

from __future__ import annotations

from functools import partial

import msgspec

from domain.calendar import Instant
from projections.history.changes import FieldChange, changes
from projections.history.past import Past
from prorata.cli.audit.show import events_between
from prorata.http.call import Call
from prorata.http.desk import Desk
from prorata.http.stories import history_of
from prorata.pages.console.story import Entry, told
from prorata.wording import Wording
from prorata.wording.changes import ChangeSaid, changes_said


class Compared(msgspec.Struct, frozen=True):
    """The two looks, every field that differs, the same in sentences, and the events between. `back`: the
    later look counts fewer events."""

    account: str
    currency: str
    zone: str
    before: Past
    after: Past
    changes: tuple[FieldChange, ...]
    sentences: tuple[ChangeSaid, ...]
    events: tuple[Entry, ...]
    back: bool


class Asked(msgspec.Struct, frozen=True):
    """Which moments are compared, as the form has them."""

    before: str
    after: str
    known_before: str
    known_after: str

    @classmethod
    def of(cls, query: dict[str, str]) -> Asked:
        """As the query has it."""
        names = ("from", "to", "known_from", "known_to")
        return cls(*[query.get(name, "").strip() for name in names])


async def compared(desk: Desk, call: Call, say: Wording) -> Compared | None:
    """The comparison that the query asks for; None: it does not say from which moment.

    Raises ProblemFound, InvalidInput.
    """
    asked = Asked.of(call.query)
    if not asked.before:
        return None
    return await desk.run(partial(_compared, desk, call, asked, say, await desk.now()))


def _compared(desk: Desk, call: Call, asked: Asked, say: Wording, now: Instant) -> Compared:
    history = history_of(desk, call, now)
    before = history.look(
        history.written(asked.before, "from"), asked.known_before or None, "from", "known_from"
    )
    upto = history.written(asked.after, "to") if asked.after else None
    after = history.look(upto, asked.known_after or None, "to", "known_to")
    found = changes(before, after, history.events)
    currency = after.state.currency
    return Compared(
        account=call.account,
        currency=currency,
        zone=history.zone,
        before=before,
        after=after,
        changes=found,
        sentences=tuple(changes_said(found, before, after, say)),
        events=tuple(
            [
                told(event, stored, currency, (), say)
                for stored, event in events_between(before, after, history.events)
            ]
        ),
        back=after.last.version < before.last.version,
    )
