"""`prorata simulate` plays or refuses any file, and accepts none that the schema refuses."""

from __future__ import annotations

import pytest

from scripts.fuzz_scenarios import judged


@pytest.mark.parametrize("first", range(20_000, 22_000, 250))
def test_no_mutated_file_crashes_it_or_passes_wrongly(first: int) -> None:
    fates, complaints = judged((first, first + 250))
    assert complaints == [], "alone: python -m scripts.fuzz_scenarios --files 1 --seed N"
    assert min(fates["holds"], fates["does not hold"], fates["refused"]) > 0
