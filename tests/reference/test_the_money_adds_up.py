"""The reference model checks itself: the money of random stories with everything in them adds up."""

from __future__ import annotations

from random import Random

import pytest

from tests.reference.account.books import Books
from tests.reference.account.sums import check_sums
from tests.reference.account.telling import take
from tests.reference.dates import parse
from tests.reference.stories import story
from tests.reference.switches import drawn

STORIES, BATCH = 200, 20


@pytest.mark.parametrize("first", range(0, STORIES, BATCH))
def test_after_every_step_invariants_8_to_10_hold(first: int) -> None:
    for seed in range(first, first + BATCH):
        random = Random(seed)
        told = story(random, 40, drawn(random))
        zone = told["account"]["time_zone"]
        books = Books(told, told["catalog"], parse((told["steps"] or [{"at": told["until"]}])[0]["at"], zone))
        for step in told["steps"]:
            take(books, step, parse(step["at"], zone))
            check_sums(books)
