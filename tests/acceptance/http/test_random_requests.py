"""Random requests find no fault and no answer that the description does not have: short here, and seeded;
`make fuzz-api` makes 20,000."""

from __future__ import annotations

import pytest

from scripts.api.fuzz import fuzzed, projecting
from tests.support.http_api import Api


@pytest.mark.timeout(300)
def test_random_requests_meet_no_fault_and_no_answer_outside_the_description(api: Api) -> None:
    with projecting(api.prorata.database_url):
        found = fuzzed(api, plays=1, examples=1, seed=1, phases="examples,fuzzing,stateful")
    assert found.wrong == []
    assert min(found.succeeded.values()) == 1
    assert found.requests > 100
