"""Drop a producer while its broker is dead, in a separate process, as the client leaves sockets open."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from concurrent.futures import ProcessPoolExecutor
from uuid import uuid4

from publishing.checkpoints import StreamCheckpoint
from publishing.clients import Broker
from publishing.envelope import Record
from publishing.headers import CONTENT
from publishing.producing import ProducerSession
from publishing.topics import Topics
from publishing.watchdog import Watchdog
from publishing.wire import encoded


def threads_left(bootstrap: Broker, broker: int) -> list[str]:
    """The threads that outlive the session by long; `broker` is killed within its transaction."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("forkserver")) as pool:
        return pool.submit(_drop, bootstrap, broker).result(90)


def _drop(bootstrap: Broker, broker: int) -> list[str]:
    before = set(threading.enumerate())
    watchdog, positions = Watchdog(), Topics().positions
    with ProducerSession("events", "r", bootstrap, positions, 0, watchdog, commit_seconds=60) as session:
        session.publish([], StreamCheckpoint(uuid4(), 0, "", ()))
        os.kill(broker, signal.SIGKILL)
        session._producer.begin_transaction()
        session._send([Record(positions.name, 0, b"key", b"value", encoded([CONTENT]))], [])
    watchdog.close()
    left = set(threading.enumerate()) - before
    for thread in left:
        thread.join(30)
    return [thread.name for thread in left if thread.is_alive()]
