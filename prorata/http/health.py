"""How the server stands: alive, ready, and its figures. Answered without a key."""

from __future__ import annotations

from functools import partial

from prorata.http.call import Answered, Call
from prorata.http.desk import Desk
from prorata.http.route import Route
from prorata.processes.readiness import problems


async def alive(_desk: Desk, _call: Call) -> Answered:
    """200 while this process answers."""
    return Answered({"status": "ok"})


async def ready(desk: Desk, _call: Call) -> Answered:
    """200 while the database answers, is migrated, and the server is not about to end; else 503 and why."""
    why = (
        ["this server ends"]
        if desk.traffic.draining
        else await desk.run(partial(problems, desk.settings, "serve"))
    )
    if why:
        return Answered({"status": "not ready", "problems": why}, 503, {"Retry-After": "1"})
    return Answered({"status": "ready", "problems": []})


async def metrics(desk: Desk, _call: Call) -> Answered:
    """The figures of this process, for Prometheus."""
    return Answered(desk.traffic.metrics(), media_type="text/plain; version=0.0.4")


ROUTES = (
    Route("GET", "/healthz", "healthz", "200 while the process answers.", None, alive, tag="operations"),
    Route(
        "GET",
        "/readyz",
        "readyz",
        "200 while the database answers and is migrated; else 503, and why.",
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
