"""What is set from outside is refused with its name where it cannot be meant."""

from __future__ import annotations

import pytest

from domain.errors import InvalidInput
from prorata.settings import Settings


@pytest.mark.parametrize("prefix", ["", "v2.", "staging-", "a_b"])
def test_a_prefix_may_hold_what_topics_names_may(prefix: str) -> None:
    assert Settings.of({"PRORATA_KAFKA_PREFIX": prefix}).kafka_prefix == prefix


@pytest.mark.parametrize("prefix", ["v 2.", "é.", "a/b.", "x" * 101])
def test_another_one_is_refused(prefix: str) -> None:
    with pytest.raises(InvalidInput, match="cannot begin a topic's name") as refused:
        Settings.of({"PRORATA_KAFKA_PREFIX": prefix})
    assert (refused.value.code, refused.value.place) == ("invalid_setting", "PRORATA_KAFKA_PREFIX")
