"""How our clients of the broker are set up, whoever makes one: beside what it is for itself."""

from __future__ import annotations

from typing import Any, Final

CLIENT: Final[dict[str, Any]] = {
    "reconnect_backoff_ms": 50,
    "reconnect_backoff_max_ms": 500,
    "bootstrap_timeout_ms": 10_000,
}
"""For every client: the defaults, 30 s each, are far too lazy after a broker's restart."""

READER: Final[dict[str, Any]] = {
    **CLIENT,
    "isolation_level": "read_committed",
    "enable_auto_commit": False,
    "auto_offset_reset": "none",  # an offset that is gone is an error, not a wish to begin elsewhere
}
"""Of a consumer of committed records, which keeps its offsets itself."""

ENDING_READER: Final[dict[str, Any]] = {**READER, "fetch_max_wait_ms": 20}
"""Of what is there now. Behind the last record stand a marker and perhaps aborted records, where a broker
that has nothing to say holds its answer back for so long, by default half a second."""
