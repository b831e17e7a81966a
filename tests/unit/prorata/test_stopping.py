"""A process's loops turn as long as they look at its stop signal."""

from __future__ import annotations

from threading import Event, Thread

from prorata.processes.stopping import StopSignal


class Clock:
    """Stands still until it is moved."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_look_at_the_signal_is_a_turn() -> None:
    clock = Clock()
    stop = StopSignal(clock)
    clock.now = 5.0
    assert stop.idle_seconds() == 5.0
    stop.is_set()
    clock.now = 7.0
    assert stop.idle_seconds() == 2.0
    stop.wait(0.0)
    assert stop.idle_seconds() == 0.0


def test_a_loop_that_hangs_is_seen_beside_one_that_turns() -> None:
    clock, looked, end = Clock(), Event(), Event()
    stop = StopSignal(clock)

    def hangs() -> None:
        stop.is_set()
        looked.set()
        end.wait()

    thread = Thread(target=hangs)
    thread.start()
    looked.wait()
    clock.now = 9.0
    stop.is_set()
    assert stop.idle_seconds() == 9.0
    end.set()
    thread.join()
    assert stop.idle_seconds() == 0.0
