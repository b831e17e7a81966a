"""`prorata webhooks send`: what the queues of webhooks hold is posted to the endpoints."""

from __future__ import annotations

from prorata.cli.operate.workers import Health, Once
from prorata.settings import Settings


def send(*, once: Once = False, health: Health = None) -> int:
    """Post what `prorata consume webhooks` has queued, and replays from the log, until it is stopped.

    A message is tried for three days; then its endpoint is paused. Any number of these may run.
    """
    from prorata.processes.running import at_work
    from prorata.webhooks.running import send_once, send_until

    settings = Settings.of()
    if once:
        print(f"{send_once(settings):,} messages were taken in")
        return 0
    with at_work(settings, "webhooks", health) as process:
        process.doing = lambda: "posts what is queued"
        send_until(settings, process.stop)
    return 0
