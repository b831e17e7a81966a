"""Which processes should run, and the command that starts each."""

from __future__ import annotations

import pytest

from domain.errors import InvalidInput
from prorata.processes.expected import RECOGNITION, command_of, expected_names, is_name
from prorata.settings import Settings


def test_billing_projector_and_relay_are_expected_where_nothing_is_said() -> None:
    assert expected_names(None, []) == ("bill", "project", "relay")


def test_what_has_announced_itself_is_expected_again_unless_it_is_done_now_and_then() -> None:
    found = expected_names(None, ["consume:entitlement_cache", "relay", RECOGNITION])
    assert found == ("bill", "consume:entitlement_cache", "project", "relay")


def test_the_setting_decides_where_it_is_given() -> None:
    settings = Settings.of({"PRORATA_EXPECTED": "project, consume:finance_ledger"})
    assert expected_names(settings.expected_names, ["bill"]) == ("project", "consume:finance_ledger")
    assert expected_names(Settings.of({"PRORATA_EXPECTED": "none"}).expected_names, ["bill"]) == ()


@pytest.mark.parametrize("given", ["bil", "none,bill", "consume", "consume:", "archive:"])
def test_a_name_that_no_process_has_is_refused(given: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        Settings.of({"PRORATA_EXPECTED": given})
    assert refused.value.code == "invalid_setting"


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("bill", "prorata bill"),
        ("bill:test-clock", "prorata bill --test-clock"),
        ("relay:v2.", "prorata relay --republish-to v2."),
        ("consume:entitlement_cache", "prorata consume entitlement_cache"),
        ("archive:/srv/archive", "prorata archive run /srv/archive"),
        ("metrics", "prorata metrics"),
    ],
)
def test_each_process_has_the_command_that_starts_it(name: str, command: str) -> None:
    assert is_name(name)
    assert command_of(name) == command
