"""Command line: `python -m scripts.servers run -- COMMAND...` and `python -m scripts.servers up`."""

import argparse
import os
import sys

from scripts.servers.memory import folder_in_memory
from scripts.servers.supervisor import SERVERS, serve


def main() -> int:
    """Run the command line; return the command's exit code, 130 after SIGINT and 143 after SIGTERM."""
    parser = argparse.ArgumentParser(
        prog="python -m scripts.servers", description="PostgreSQL and Kafka, for a while."
    )
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    run = actions.add_parser("run", help="start the servers, run a command, leave nothing behind")
    run.add_argument(
        "command", nargs="+", help="after --; it finds the servers in PRORATA_DATABASE_URL and PRORATA_KAFKA"
    )
    up = actions.add_parser("up", help="keep the servers until Ctrl-C")
    up.set_defaults(command=[])
    for action in (run, up):
        action.add_argument("--only", choices=SERVERS, action="append", help="start this one alone")
        action.add_argument(
            "--setting",
            metavar="NAME=VALUE",
            action="append",
            default=[],
            help="of PostgreSQL, such as fsync=off",
        )
        action.add_argument(
            "--role",
            metavar="NAME",
            action="append",
            default=[],
            help="a further role of PostgreSQL that may log in",
        )
        action.add_argument(
            "--sync-delay",
            metavar="MS",
            type=float,
            default=0,
            help="slow each sync of PostgreSQL's disk by so much (needs a C compiler)",
        )
        action.add_argument(
            "--secured",
            action="store_true",
            help="ask everybody who they are: TLS, SCRAM, Kafka's access control lists",
        )
        action.add_argument(
            "--in-memory",
            action="store_true",
            help="keep all temporary files, the command's too, in memory if there is room",
        )
        action.add_argument(
            "--while",
            dest="owner",
            metavar="PID",
            type=int,
            default=os.getppid(),
            help="end with this process (our parent)",
        )
    arguments = parser.parse_args()
    if arguments.in_memory and (folder := folder_in_memory()) is not None:
        os.environ["TMPDIR"] = str(folder)
    return serve(
        arguments.command,
        servers=arguments.only or SERVERS,
        settings=dict(setting.split("=", 1) for setting in arguments.setting),
        roles=arguments.role,
        sync_delay_ms=arguments.sync_delay,
        secured=arguments.secured,
        owner=arguments.owner,
    )


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)  # nothing else stops the thread of an interrupted download
