"""An account that was taken over from another system is billed as if it had always been here: from then on
its lines, dates and amounts are those of the same account opened here, its invoices' numbers apart."""

from __future__ import annotations

from hypothesis import assume, event, given
from hypothesis import strategies as st

from tests.support.domain.histories import histories
from tests.support.domain.taking_over import compared


@histories
@given(st.integers(0, 2**32))
def test_from_the_import_on_it_is_billed_as_the_account_that_was_opened_here(seed: int) -> None:
    found = compared(seed)
    assume(found is not None)
    assert found is not None
    event(f"invoices since the import: {min(found.invoices, 5)}")
    assert found.difference is None


def test_most_random_accounts_can_be_taken_over_and_are_billed_afterwards() -> None:
    found = [compared(seed) for seed in range(50)]
    assert sum(one is not None and one.invoices > 2 for one in found) > 25
