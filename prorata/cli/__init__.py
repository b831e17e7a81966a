"""`prorata`, the one command. Each subcommand is a module, imported only when it is called: simulation
needs no server's client.

Exit codes: 0 done; 1 a check did not hold; 2 bad input; 3 a server cannot be reached or a fate is unknown;
4 halted, see the message; 70 a fault of Prorata's own; 130 interrupted.
"""

from __future__ import annotations

import os
import sys

import cyclopts

app = cyclopts.App(
    name="prorata",
    help="Event-sourced billing for accounts that hold base plans and add-ons.",
    help_flags=["--help", "-h"],
    version_flags=[],
    result_action="return_value",
)
catalog = cyclopts.App(name="catalog", help="The catalogue: check a file, compare two, load a version.")
ledger = cyclopts.App(name="ledger", help="The finance ledger: recognise, close a month, check, export.")
dlq = cyclopts.App(name="dlq", help="Records that a consumer could not handle: look, mend, release.")
archive = cyclopts.App(name="archive", help="The audit archive: a Parquet file a day, verified by itself.")
benches = cyclopts.App(name="bench", help="How fast the parts are, measured on this machine.")

_GROUPS = {str(group.name[0]): group for group in (catalog, ledger, dlq, archive, benches)}

app.command("prorata.cli.simulate:simulate")
app.command("prorata.cli.database:migrate")
app.command(catalog)
catalog.command("prorata.cli.database:load", name="load")
catalog.command("prorata.cli.catalog:check", name="check")
catalog.command("prorata.cli.catalog:diff", name="diff")
catalog.command("prorata.cli.catalog:schema", name="schema")
app.command("prorata.cli.command:command")
app.command("prorata.cli.preview:preview")
app.command("prorata.cli.screens:shop")
app.command("prorata.cli.screens:billing")
app.command("prorata.cli.explain:explain")
app.command("prorata.cli.workers:bill")
app.command("prorata.cli.project:project")
app.command("prorata.cli.project:lag")
app.command("prorata.cli.parked:parked")
app.command("prorata.cli.parked:release")
app.command("prorata.cli.topics:topics")
app.command("prorata.cli.workers:relay")
app.command("prorata.cli.workers:consume")
app.command("prorata.cli.workers:replay")
app.command("prorata.cli.status:status")
app.command("prorata.cli.status:metrics")
app.command(dlq)
dlq.command("prorata.cli.dlq:list_", name="list")
dlq.command("prorata.cli.dlq:show", name="show")
dlq.command("prorata.cli.dlq:release", name="release")
app.command(archive)
archive.command("prorata.cli.archive:run", name="run")
archive.command("prorata.cli.archive:verify", name="verify")
app.command(ledger)
ledger.command("prorata.cli.ledger:recognise", name="recognise")
ledger.command("prorata.cli.ledger:show", name="show")
ledger.command("prorata.cli.ledger:close", name="close")
ledger.command("prorata.cli.ledger:export", name="export")
ledger.command("prorata.cli.ledger:check", name="check")
app.command("prorata.cli.audit:history")
app.command("prorata.cli.show:show")
app.command("prorata.cli.show:diff")
app.command("prorata.cli.rebuild:rebuild")
app.command("prorata.cli.verify:verify")
app.command("prorata.cli.seal:seal")
app.command("prorata.cli.seal:seal_key", name="seal-key")
app.command("prorata.cli.demo:demo")
app.command(benches)
benches.command("prorata.cli.bench:domain", name="domain")
benches.command("prorata.cli.bench:append", name="append")
benches.command("prorata.cli.bench:read", name="read")
benches.command("prorata.cli.bench:live", name="live")
benches.command("prorata.cli.bench:rebuild", name="rebuild")
benches.command("prorata.cli.bench:verify", name="verify")
benches.command("prorata.cli.bench:generate", name="generate")
benches.command("prorata.cli.bench:publish", name="publish")
benches.command("prorata.cli.bench:latency", name="latency")
benches.command("prorata.cli.bench:consume", name="consume")
benches.command("prorata.cli.bench:lookup", name="lookup")


def _describe_commands(arguments: list[str]) -> None:
    """Import what a list of commands describes: a command's own words come with its module."""
    named = [argument for argument in arguments if argument not in app.help_flags]
    listed = app if not named else _GROUPS.get(named[0]) if len(named) == 1 else None
    if listed is not None:
        for name in listed:
            _ = listed[name]


def _configure_logs() -> None:
    """Only where something else than the default is wanted: it takes a tenth of a second."""
    if any(name in os.environ for name in ("PRORATA_LOG_FORMAT", "PRORATA_LOG_LEVEL")):
        from prorata.logs import configure
        from prorata.settings import Settings

        settings = Settings.of()
        configure(settings.log_format, settings.log_level)


def main() -> int:
    """Run the command line and say how it ended, as an exit code."""
    from prorata.cli.failures import explained

    try:
        _describe_commands(sys.argv[1:])
        _configure_logs()
        return int(app(exit_on_error=False, print_error=False) or 0)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader of our output has left
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:  # noqa: BLE001 - the last place: said in a sentence, with a code
        return explained(error)
