"""Screens of random histories fit 80 columns, and say the same to programs."""

from __future__ import annotations

from random import Random
from typing import Any

import msgspec
import pytest

from domain.billing_page import billing_page
from domain.happened import Chronicle
from domain.shop import shop
from projections.history.as_of import AtInstant
from projections.history.changes import changes
from projections.models.access_windows import AccessWindowsDocument
from projections.models.entitlements import EntitlementsDocument
from projections.models.invoices import InvoiceDocument
from prorata.cli.account.billing_screen import print_billing
from prorata.cli.account.present import names_of
from prorata.cli.account.screens import billing_json, shop_json
from prorata.cli.account.shop_screen import print_shop
from prorata.cli.audit.show import diff_json, events_between, show_json
from prorata.cli.audit.show_screen import print_diff, print_past
from prorata.wording import Language, Wording
from prorata.wording.changes import changes_said
from tests.reference.stories import story
from tests.reference.switches import drawn as drawn_switches
from tests.support.domain.playing import played
from tests.support.projections.looking_back import logged, look, moments
from tests.support.screens import drawn

PARTS = {
    *("standing", "items", "credits", "balance", "next_invoice"),
    *("credit", "discounts", "disputed", "waits_until", "credit_notes"),
}


@pytest.mark.parametrize("language", ["en", "fr"])
def test_screens_of_random_histories_are_drawn_at_80_columns_and_encoded(language: Language) -> None:
    for seed in range(40):
        random = Random(seed)
        played_account = played(story(random, switches=drawn_switches(random)))
        state, at = played_account.account, played_account.account.last_at
        catalogues = played_account.catalogues
        say = Wording(language, names_of(catalogues.at(at)))
        notes = Chronicle(state.time_zone).take_all(played_account.history).credit_notes.values()
        page, found = billing_page(state, at, catalogues, notes), shop(state, at, catalogues)
        drawn(lambda out: print_billing(out, page, state, say, account="a1", when="now"))  # noqa: B023
        drawn(lambda out: print_shop(out, found, state.currency, say, account="a1", when="now"))  # noqa: B023
        encoded: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(billing_json(page, state, say)))
        assert set(encoded) == PARTS
        assert len(encoded["credit_notes"]) == state.standing.next_credit_note - 1
        msgspec.json.encode(shop_json(found, state.currency, say))


@pytest.mark.parametrize("language", ["en", "fr"])
def test_random_pasts_are_drawn_at_80_columns_and_encoded(language: Language) -> None:
    say = Wording(language)
    for seed in range(25):
        random = Random(seed)
        account = played(story(random, switches=drawn_switches(random)))
        events = logged(account.history)
        one, other = sorted(random.choice(moments(account)) for _ in range(2))
        before, after = look(events, AtInstant(one)), look(events, AtInstant(other))
        found = changes_said(changes(before, after, events), before, after, say)
        told = events_between(before, after, events)
        drawn(lambda out: print_past(out, after, say, account="a1"))  # noqa: B023
        drawn(lambda out: print_diff(out, before, after, found, told, say, account="a1"))  # noqa: B023
        msgspec.json.encode(diff_json(before, after, events, say))
        encoded = msgspec.json.decode(msgspec.json.encode(show_json(after, say)))
        read = msgspec.convert(encoded["entitlements"], EntitlementsDocument, strict=False)
        assert read == after.entitlements
        assert msgspec.convert(encoded["access_windows"], AccessWindowsDocument) == after.access_windows
        assert msgspec.convert(encoded["invoices"], tuple[InvoiceDocument, ...]) == after.invoices
