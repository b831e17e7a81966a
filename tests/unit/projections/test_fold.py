"""What holds for every fold."""

from typing import Any

import pytest

from domain.commands import (
    CancelPlan,
    CreditNote,
    OpenDispute,
    PausePlan,
    PayBalance,
    PurchaseAddon,
    PurchasePlan,
    ResumePlan,
)
from eventlog.history import places_of
from projections.fold import Evolution, Fold
from projections.registry import ALL, FOLDS, PROJECTIONS
from projections.states import AccountStates, read
from tests.support.projections.fold_driver import CODEC, Billing

ACCOUNT = "acme/a-1"

every_fold = pytest.mark.parametrize("fold", [p.fold for p in ALL], ids=lambda fold: fold.name)
EVOLUTIONS = {projection.fold.evolution.name: projection.fold.evolution for projection in ALL}


def a_varied_history(billing: Billing) -> None:
    billing.open(ACCOUNT, "2026-03-20")
    billing.give(ACCOUNT, PurchasePlan("standard"), "2026-03-20")
    billing.give(ACCOUNT, PurchaseAddon("custom_domain"), "2026-04-05")
    billing.settle(ACCOUNT, "2026-04-20", pay="declined")
    billing.give(ACCOUNT, PayBalance(), "2026-04-22")
    billing.give(ACCOUNT, PausePlan("marketing"), "2026-04-23")
    billing.give(ACCOUNT, ResumePlan("marketing"), "2026-05-30")
    billing.give(ACCOUNT, CancelPlan("marketing"), "2026-06-02")
    billing.settle(ACCOUNT, "2026-08-01")
    billing.give(ACCOUNT, CreditNote(1, "goodwill", line=1, net="1.00"), "2026-08-02")
    billing.give(ACCOUNT, CreditNote(1, "goodwill", line=1, net="1.00", to="account"), "2026-08-02")
    billing.give(ACCOUNT, OpenDispute(2), "2026-08-03")


def documents_by_key(fold: Fold[Any, Any], state: Any) -> dict[str | None, Any]:
    return {fold.key(document): document for document in fold.documents(state)}


@every_fold
def test_no_event_no_document(fold: Fold[Any, Any]) -> None:
    assert fold.documents(fold.start()) == ()


@every_fold
def test_a_version_that_does_not_follow_is_refused(fold: Fold[Any, Any], billing: Billing) -> None:
    a_varied_history(billing)
    first, _, third, *_ = billing.log.read_account(ACCOUNT)
    state = fold.apply(fold.start(), CODEC.read(first), first)
    with pytest.raises(ValueError, match="version 3 was to be folded as version 2"):
        fold.apply(state, CODEC.read(third), third)


@every_fold
def test_every_document_is_of_the_fold_and_of_an_event_of_its_account(
    fold: Fold[Any, Any], billing: Billing
) -> None:
    a_varied_history(billing)
    state = fold.start()
    places = set()
    for stored in billing.log.read_account(ACCOUNT):
        state = fold.apply(state, CODEC.read(stored), stored)
        places.add((stored.version, stored.position))
    assert documents_by_key(fold, state)
    for document in fold.documents(state):
        assert (document.version, document.revision) in places
        assert (document.account, document.fold) == (ACCOUNT, fold.version)


@every_fold
@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_documents_do_not_depend_on_where_pages_end(
    fold: Fold[Any, Any], size: int, billing: Billing
) -> None:
    a_varied_history(billing)
    events = billing.log.read_account(ACCOUNT)
    states: AccountStates[Any] = AccountStates(fold.evolution, billing.log, CODEC, limit=10)
    paged: dict[str | None, Any] = {}
    for begin in range(0, len(events), size):
        page = events[begin : begin + size]
        after = page[0].position - 1
        folded = states.advance([read(CODEC, stored) for stored in page])
        made = documents_by_key(fold, folded.state)
        paged |= {key: document for key, document in made.items() if document.revision > after}
    state = fold.start()
    for stored in events:
        state = fold.apply(state, CODEC.read(stored), stored)
    assert paged == documents_by_key(fold, state)


@pytest.mark.parametrize("size", [1, 4, 100])
@pytest.mark.parametrize("evolution", EVOLUTIONS.values(), ids=EVOLUTIONS)
def test_a_chunk_at_once_makes_what_its_events_make_one_by_one(
    evolution: Evolution[Any], size: int, billing: Billing
) -> None:
    a_varied_history(billing)
    events = billing.log.read_account(ACCOUNT)
    one_by_one = at_once = evolution.start()
    for begin in range(0, len(events), size):
        chunk = events[begin : begin + size]
        for stored in chunk:
            one_by_one = evolution.apply(one_by_one, CODEC.read(stored), stored)
        at_once = evolution.apply_all(at_once, [CODEC.read(stored) for stored in chunk], places_of(chunk))
        assert at_once == one_by_one


@pytest.mark.parametrize("evolution", EVOLUTIONS.values(), ids=EVOLUTIONS)
def test_a_chunk_that_does_not_follow_is_refused(evolution: Evolution[Any], billing: Billing) -> None:
    a_varied_history(billing)
    [first, _, *later] = billing.log.read_account(ACCOUNT)
    state = evolution.apply_all(evolution.start(), [CODEC.read(first)], places_of([first]))
    with pytest.raises(ValueError, match="to be folded"):
        evolution.apply_all(state, [CODEC.read(stored) for stored in later], places_of(later))


def test_folds_are_named_as_their_projections() -> None:
    assert [projection.name for projection in PROJECTIONS] == list(FOLDS)
    assert all(fold.name == name for name, fold in FOLDS.items())
