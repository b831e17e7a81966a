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
catalog = cyclopts.App(name="catalog", help="The catalogue: check, compare, load, list, show, withdraw.")
ledger = cyclopts.App(name="ledger", help="The finance ledger: recognise, close a month, check, export.")
dlq = cyclopts.App(name="dlq", help="Records that a consumer could not handle: look, mend, release.")
archive = cyclopts.App(name="archive", help="The audit archive: a Parquet file a day, verified by itself.")

_GROUPS = {str(group.name[0]): group for group in (catalog, ledger, dlq, archive)}

app.command("prorata.cli.simulate:simulate")
app.command("prorata.cli.operate.database:migrate")
app.command(catalog)
catalog.command("prorata.cli.catalog.files:check", name="check")
catalog.command("prorata.cli.catalog.files:diff", name="diff")
catalog.command("prorata.cli.catalog.files:schema", name="schema")
catalog.command("prorata.cli.catalog.versions:load", name="load")
catalog.command("prorata.cli.catalog.versions:list_", name="list")
catalog.command("prorata.cli.catalog.versions:show", name="show")
catalog.command("prorata.cli.catalog.versions:withdraw", name="withdraw")
app.command("prorata.cli.account.command:command")
app.command("prorata.cli.account.preview:preview")
app.command("prorata.cli.account.screens:shop")
app.command("prorata.cli.account.screens:billing")
app.command("prorata.cli.account.explain:explain")
app.command("prorata.cli.operate.workers:bill")
app.command("prorata.cli.operate.project:project")
app.command("prorata.cli.operate.project:lag")
app.command("prorata.cli.operate.parked:parked")
app.command("prorata.cli.operate.parked:release")
app.command("prorata.cli.operate.topics:topics")
app.command("prorata.cli.operate.workers:relay")
app.command("prorata.cli.operate.workers:consume")
app.command("prorata.cli.operate.workers:replay")
app.command("prorata.cli.operate.status:status")
app.command("prorata.cli.operate.status:metrics")
app.command(dlq)
dlq.command("prorata.cli.operate.dead_letters:list_", name="list")
dlq.command("prorata.cli.operate.dead_letters:show", name="show")
dlq.command("prorata.cli.operate.dead_letters:release", name="release")
app.command(archive)
archive.command("prorata.cli.audit.archive:run", name="run")
archive.command("prorata.cli.audit.archive:verify", name="verify")
app.command(ledger)
ledger.command("prorata.cli.finance.ledger:recognise", name="recognise")
ledger.command("prorata.cli.finance.ledger:show", name="show")
ledger.command("prorata.cli.finance.ledger:close", name="close")
ledger.command("prorata.cli.finance.ledger:export", name="export")
ledger.command("prorata.cli.finance.ledger:check", name="check")
app.command("prorata.cli.audit.history:history")
app.command("prorata.cli.audit.show:show")
app.command("prorata.cli.audit.show:diff")
app.command("prorata.cli.operate.rebuild:rebuild")
app.command("prorata.cli.audit.verify:verify")
app.command("prorata.cli.audit.seal:seal")
app.command("prorata.cli.audit.seal:seal_key", name="seal-key")
app.command("prorata.cli.demo:demo")


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
    from prorata.cli.terminal.failures import explained

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
