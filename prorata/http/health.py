"""How the server stands: alive, ready, and its figures. Answered without a key."""

from __future__ import annotations

from functools import partial

from eventlog.postgres.connect import Connection
from projections.live.lag import lags
from projections.models import calendar
from prorata.http.call import Answered, Call
from prorata.http.desk import Desk
from prorata.http.route import Route
from prorata.processes.readiness import problems


async def alive(_desk: Desk, _call: Call) -> Answered:
    """200 while this process answers."""
    return Answered({"status": "ok"})


async def ready(desk: Desk, _call: Call) -> Answered:
    """200 while the database answers, is migrated, and the server is not about to end; else 503 and why. A
    calendar that is behind is said, and no reason not to be asked: what it lacks is read of the log."""
    why = (
        ["this server ends"]
        if desk.traffic.draining
        else await desk.run(partial(problems, desk.settings, "serve"))
    )
    if why:
        return Answered({"status": "not ready", "problems": why}, 503, {"Retry-After": "1"})
    behind = await desk.read(_calendar_behind)
    return Answered({"status": "ready", "problems": [], "calendar_seconds_behind": behind})


def _calendar_behind(connection: Connection) -> float:
    """Seconds for which the oldest event that the calendar lacks has waited."""
    return next(lag.seconds for lag in lags(connection, counted=1) if lag.projection == calendar.FOLD.name)


async def metrics(desk: Desk, _call: Call) -> Answered:
    """The figures of this process, for Prometheus."""
    return Answered(desk.traffic.metrics(), media_type="text/plain; version=0.0.4")


ROUTES = (
    Route("GET", "/healthz", "healthz", "200 while the process answers.", None, alive, tag="operations"),
    Route(
        "GET",
        "/readyz",
        "readyz",
        "200 while the database answers and is migrated, with the calendar's lag; else 503, and why.",
        None,
        ready,
        tag="operations",
    ),
    Route(
        "GET",
        "/metrics",
        "metrics",
        "Figures for Prometheus.",
        None,
        metrics,
        tag="operations",
        media_type="text/plain",
    ),
)
