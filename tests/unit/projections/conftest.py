"""Accounts on a log in memory."""

import pytest

from eventlog.memory import MemoryEventLog
from tests.support.projections.fold_driver import Billing


@pytest.fixture
def billing() -> Billing:
    """Gives commands to accounts on an empty log."""
    return Billing(MemoryEventLog())
