"""`prorata serve`: the HTTP API."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter, validators

from prorata.settings import Settings


def serve(
    *,
    host: Annotated[str | None, Parameter(help="Address to listen at; default: PRORATA_LISTEN.")] = None,
    port: Annotated[
        int, Parameter(help="Port to listen at.", validator=validators.Number(gte=1, lte=65535))
    ] = 8080,
) -> int:
    """Serve the HTTP API (docs/api.md) until it is stopped; its description is at /docs.

    SIGTERM ends it once what is under way is answered.
    """
    from prorata.cli.terminal.failures import complain
    from prorata.http.serving import serve as serve_api
    from prorata.processes.running import at_work
    from prorata.roles import is_owner

    settings = Settings.of()
    address = host or settings.listen
    with at_work(settings, "serve") as process:
        if is_owner(settings.database_url):
            complain("served_as_owner", _AS_OWNER)
        process.doing = lambda: f"serves http://{address}:{port}"
        serve_api(settings, address, port, process, lambda: _say(address, port))
    return 0


_AS_OWNER = (
    "this login may change everything in the database: give the server one that is a member of "
    "prorata_service alone (docs/operations.md, Roles)"
)


def _say(address: str, port: int) -> None:
    shown = f"[{address}]" if ":" in address else address
    print(f"serving http://{shown}:{port}, its documentation at http://{shown}:{port}/docs", flush=True)
