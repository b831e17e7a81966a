"""The test cases that `eventsourcing` has for recorders.

Their module also imports the package's cipher, for cases that are not used here, and that needs pycryptodome.
So while they are imported, an empty module stands in for it.
"""

import sys
from types import ModuleType

import pytest

with pytest.MonkeyPatch.context() as patch:
    cipher = ModuleType("eventsourcing.cipher")
    cipher.AESCipher = None  # type: ignore[attr-defined]
    patch.setitem(sys.modules, "eventsourcing.cipher", cipher)
    from eventsourcing.tests.persistence import AggregateRecorderTestCase, ApplicationRecorderTestCase

__all__ = ["AggregateRecorderTestCase", "ApplicationRecorderTestCase"]
