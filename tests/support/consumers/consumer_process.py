"""A consumer as a process of its own, which kills itself after its nth effects, before their commit."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Sequence
from itertools import count
from typing import Final

from consumers.handler import Message
from consumers.runtime import Consumer
from publishing.clients import Broker
from tests.support.consumers.tally import Tally

CLAIM_SECONDS: Final = 0.5

_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload([__name__])


def consume_and_die(database_url: str, bootstrap: Broker, prefix: str, nth: int) -> int | None:
    """The exit code of the consumer that was killed."""
    process = _processes.Process(target=_consume, args=(database_url, bootstrap, prefix, nth))
    process.start()
    process.join(60)
    code = process.exitcode
    process.close()
    return code


def _consume(database_url: str, bootstrap: Broker, prefix: str, nth: int) -> None:
    calls = count(1)

    def die(_: Sequence[Message]) -> None:
        if next(calls) == nth:
            os.kill(os.getpid(), signal.SIGKILL)

    handler = Tally(written=die)
    Consumer(
        handler, database_url, bootstrap, prefix=prefix, claim_seconds=CLAIM_SECONDS, batch=20
    ).run_once()
