import pytest

from tests.support.terminal import Terminal


@pytest.fixture
def prorata(capsys: pytest.CaptureFixture[str]) -> Terminal:
    """The command line, in this process."""
    return Terminal(capsys)
