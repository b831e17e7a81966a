"""An account of the past and what changed, for people at 80 columns and for programs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from domain.commands import (
    ChangePlan,
    Command,
    CreditNote,
    OpenDispute,
    PausePlan,
    PurchaseAddon,
    PurchasePlan,
    RemoveAddon,
    ResumePlan,
)
from domain.errors import InvalidInput
from eventlog.memory import MemoryEventLog
from projections.history.as_of import At, AtInstant, AtVersion
from projections.history.changes import changes
from projections.history.past import Past
from prorata.cli.audit.moments import History
from prorata.cli.audit.show import events_between, show_json
from prorata.cli.audit.show_screen import print_diff, print_past
from prorata.wording import Language, Wording
from prorata.wording.changes import changes_said
from tests.support.projections.fold_driver import Billing, instant
from tests.support.screens import drawn, flat

ACCOUNT = "main/a1"
NOW = datetime(2026, 7, 1, tzinfo=UTC)


class Account:
    """One account on a log in memory, and what is asked of its past."""

    def __init__(self) -> None:
        self.billing = Billing(MemoryEventLog(clock=lambda: NOW))
        self.billing.open(ACCOUNT, "2026-03-20")

    def give(self, command: Command, at: str) -> None:
        answer = self.billing.give(ACCOUNT, command, at)
        assert answer is not None
        assert answer.outcome == "accepted", answer

    @property
    def history(self) -> History:
        return History.of(self.billing.log, "a1", "main", NOW)

    def look(self, moment: str, known: str | None = None) -> Past:
        history = self.history
        return history.look(history.written(moment, "--at"), known, "--at", "--known-at")

    def changed(self, before: str, after: str, language: Language = "en") -> list[str]:
        one, other, say = self.look(before), self.look(after), Wording(language)
        found = changes(one, other, self.history.events)
        return [f"{said.sentence} {list(said.because)}" for said in changes_said(found, one, other, say)]


@pytest.fixture
def account() -> Account:
    """Standard since 20 March, a custom domain since 5 April."""
    account = Account()
    account.give(PurchasePlan("standard"), "2026-03-20")
    account.give(PurchaseAddon("custom_domain"), "2026-04-05")
    return account


# ---- moments ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("version:3", AtVersion(3)),
        ("position:5", At(5)),
        ("2026-04-05", AtInstant(instant("2026-04-05"))),
        ("2026-04-05T18:30", AtInstant(instant("2026-04-05T18:30"))),
        ("2026-04-05T16:30:00Z", AtInstant(instant("2026-04-05T18:30"))),
    ],
)
def test_a_moment_is_a_version_a_position_or_an_instant_in_the_account_s_zone(
    account: Account, written: str, moment: At | AtVersion | AtInstant
) -> None:
    assert account.history.written(written, "--from") == moment


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("version:0", "unknown_version"),
        ("version:6", "unknown_version"),
        ("version:-1", "invalid_moment"),
        ("version:", "invalid_moment"),
        ("version:²", "invalid_moment"),
        ("position:0", "unknown_position"),
        ("position:6", "unknown_position"),
        ("position:99999999999999999999", "invalid_moment"),
        ("yesterday", "invalid_moment"),
        ("day:3", "invalid_moment"),
        ("2026-02-30", "invalid_moment"),
        ("2026-03-29T02:30", "nonexistent_time"),
        ("2026-03-19T23:59:59", "no_account_yet"),
    ],
)
def test_what_is_no_moment_of_the_account_is_bad_input_with_its_place(
    account: Account, written: str, code: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        account.look(written)
    assert (refused.value.code, refused.value.place) == (code, "--at")


def test_before_the_account_was_known_the_first_moment_is_named(account: Account) -> None:
    with pytest.raises(InvalidInput, match="opened at 2026-03-20") as refused:
        account.look("2026-04-05", known="2026-06-30")
    assert refused.value.code == "no_account_yet"


def test_on_the_wall_clock_nothing_said_means_now_or_when_it_was_known() -> None:
    account = Account()
    account.billing.open("main/w", "2026-03-20", clock="wall")
    history = History.of(account.billing.log, "w", "main", NOW)
    assert history.look(None, None, "", "").at == NOW
    later = (NOW + timedelta(days=3)).isoformat()
    assert history.look(None, later, "", "").at == NOW
    assert account.history.look(None, None, "", "").at == instant("2026-03-20")


# ---- what changed ----------------------------------------------------------


def test_what_was_bought_is_said_with_its_price_and_invoice(account: Account) -> None:
    assert account.changed("2026-04-04", "2026-04-05") == [
        "custom_domain is new: active, €10.00 a cycle, can be used until 20 Apr 2026. [5]",
        "Invoice 2 of 5 Apr 2026 was issued: €4.84, paid. [5]",
    ]
    assert account.changed("2026-04-05", "2026-04-04") == [
        "custom_domain was not held yet. [5]",
        "Invoice 2 was not issued yet. [5]",
    ]


def test_an_upgrade_is_a_product_for_another_with_its_price(account: Account) -> None:
    account.give(ChangePlan("standard", "2500"), "2026-04-10")
    said = account.changed("2026-04-09", "2026-04-10")
    assert said[0].startswith("standard, price: €")
    assert "(before: €20.00). [7]" in said[0]
    assert said[1] == "standard, tier: 2500 (before: 500). [7]"


def test_a_pause_and_a_resume_move_status_access_and_renewal(account: Account) -> None:
    account.give(RemoveAddon("custom_domain"), "2026-04-06")
    account.give(PausePlan("marketing"), "2026-04-10")
    account.give(ResumePlan("marketing"), "2026-04-12")
    paused = account.changed("2026-04-09", "2026-04-11")
    assert "standard is paused; before, it was active. [7]" in paused
    assert "standard, can be used until: 10 Apr 2026 (before: 20 Apr 2026). [7]" in paused
    assert "Account, next renewal: none (before: 20 Apr 2026). [7]" in paused
    assert "standard : actif (avant : en pause). [8]" in account.changed("2026-04-11", "2026-04-13", "fr")


def test_a_renewal_moves_dates_and_a_decline_the_standing(account: Account) -> None:
    account.billing.settle(ACCOUNT, "2026-04-20", pay="declined")
    said = account.changed("2026-04-19", "2026-04-20")
    assert "The account is past due; before, it was in good standing. [7]" in said
    assert "Invoice 3 of 20 Apr 2026 was issued: €30.00, open. [6]" in said
    assert "Account, open invoice: €30.00 (invoice 3) (before: none). [6, 7]" in said
    later = account.changed("2026-04-20", "2026-05-20")
    assert "Invoice 3 of 20 Apr 2026, €30.00, is written off; before, it was open. []" in later
    assert "standard has ended: it could be used until 20 Apr 2026. []" in later


def test_the_text_names_the_events_that_did_it_with_their_rules(account: Account) -> None:
    one, other, say = account.look("2026-04-04"), account.look("2026-04-05"), Wording("en")
    found = changes(one, other, account.history.events)
    told = events_between(one, other, account.history.events)
    said = changes_said(found, one, other, say)
    text = flat(drawn(lambda out: print_diff(out, one, other, said, told, say, account="a1")))
    assert "a1 from 4 Apr 2026 to 5 Apr 2026" in text
    assert "5. 5 Apr 2026 custom_domain was bought and is paid to 20 Apr 2026. [R12]" in text


# ---- the screen ------------------------------------------------------------


def test_the_screen_says_what_time_did_and_what_is_due(account: Account) -> None:
    account.give(RemoveAddon("custom_domain"), "2026-04-06")
    found, say = account.look("2026-04-20"), Wording("en")
    text = flat(drawn(lambda out: print_past(out, found, say, account="a1")))
    assert "a1 as it was: 20 Apr 2026" in text
    assert "By time alone, not recorded · 20 Apr 2026 custom_domain ended: it was removed. [R26]" in text
    assert "Due, and not recorded · renewal of standard, since 20 Apr 2026" in text
    assert "standard active for a grace 20 Apr 2026 €20.00" in text


@pytest.fixture
def corrected() -> Account:
    """A plan, money back for it to the card and to the account, and a dispute of its second month."""
    account = Account()
    account.give(PurchasePlan("standard"), "2026-03-20")
    account.give(CreditNote(1, "goodwill", line=1, net="2.00"), "2026-03-25")
    account.give(CreditNote(1, "billing_error", line=1, net="5.00", to="account"), "2026-03-26")
    account.billing.settle(ACCOUNT, "2026-04-21")
    account.give(OpenDispute(2), "2026-04-22")
    return account


def test_money_given_back_and_disputes_are_shown_as_they_were(corrected: Account) -> None:
    say = Wording("en")
    shown = flat(drawn(lambda out: print_past(out, corrected.look("2026-03-27"), say, account="a1")))
    assert "Account credit: €5.00" in shown
    assert "C1 25 Mar 2026 1 €2.00 €2.00 €0.00 goodwill" in shown
    assert "C2 26 Mar 2026 1 €5.00 €0.00 €5.00" in shown
    later = flat(drawn(lambda out: print_past(out, corrected.look("2026-04-23"), say, account="a1")))
    assert "Account: disputed" in later
    assert "2 20 Apr 2026 €20.00 €5.00 €0.00 paid, disputed" in later


def test_what_changed_of_documents_is_said_with_the_events_that_did_it(corrected: Account) -> None:
    assert corrected.changed("2026-03-24", "2026-03-27") == [
        "Account, account credit: €5.00 (before: none). [6]",
        "Credit note C1 takes back €2.00 of invoice 1 (goodwill). [4, 5]",
        "Credit note C2 takes back €5.00 of invoice 1 (a billing error). [6]",
    ]
    assert "Invoice 2, disputed: yes (before: no)." in " ".join(corrected.changed("2026-04-21", "2026-04-23"))
    assert "The account is disputed" in " ".join(corrected.changed("2026-04-21", "2026-04-23"))


def test_the_json_has_the_credit_notes(corrected: Account) -> None:
    found = show_json(corrected.look("2026-04-23"), Wording("en"))
    assert [note.number for note in found["credit_notes"]] == [1, 2]
