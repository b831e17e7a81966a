"""`prorata simulate` plays or refuses any file, `catalog check` passes or refuses any, `command` answers any
line; none accepts what it must refuse."""

from __future__ import annotations

import pytest

from scripts.fuzz import catalogues, lines, scenarios


@pytest.mark.parametrize("first", range(20_000, 22_000, 250))
def test_no_mutated_scenario_crashes_it_or_passes_wrongly(first: int) -> None:
    fates, complaints = scenarios.judged((first, first + 250))
    assert complaints == [], "alone: python -m scripts.fuzz scenarios --files 1 --seed N"
    assert min(fates["holds"], fates["does not hold"], fates["refused"]) > 0


@pytest.mark.parametrize("first", range(20_000, 24_000, 500))
def test_no_mutated_catalogue_crashes_it_or_passes_wrongly(first: int) -> None:
    fates, complaints = catalogues.judged((first, first + 500))
    assert complaints == [], "alone: python -m scripts.fuzz catalogues --files 1 --seed N"
    assert min(fates["valid"], fates["refused"]) > 0


@pytest.mark.parametrize("first", range(20_000, 24_000, 1_000))
def test_no_mutated_line_crashes_it_or_is_taken_wrongly(first: int) -> None:
    fates, complaints = lines.judged((first, first + 1_000))
    assert complaints == [], "alone: python -m scripts.fuzz lines --files 1 --seed N"
    assert min(fates["accepted"], fates["rejected"], fates["invalid"]) > 0
