"""Without Go the check of the adapter's requests says so, and what is checked all the same."""

import pytest

from scripts import stripe_mock


def test_without_go_it_is_said_what_is_not_checked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "")
    assert stripe_mock.main() == 2
    assert "Go is not installed" in capsys.readouterr().err
