"""A process that answers lines of commands on the test clock:

python -m tests.support.service.lines URL
"""

import sys

import msgspec

from eventlog.postgres.log import PostgresEventLog
from service.account_log import BlockingLog
from service.accounts import Accounts
from service.catalogue_store import PostgresCatalogues
from service.catalogues import CatalogueLibrary
from service.clock import SystemClock
from service.conversing import Ports
from service.gateways.postgres import PostgresTestGateway
from service.service import BillingService
from service.session import CommandSession
from service.snapshots import PostgresSnapshots


def main(database_url: str) -> None:
    """Answer the lines on stdin."""
    log = BlockingLog(PostgresEventLog(database_url))
    library = CatalogueLibrary(PostgresCatalogues(database_url))
    accounts = Accounts(log, PostgresSnapshots(database_url))
    service = BillingService(Ports(log, accounts, PostgresTestGateway(database_url)), library, SystemClock())
    session = CommandSession(service, library, SystemClock(), tenant="main", lives_on="test")
    for line in sys.stdin.buffer:
        print(msgspec.json.encode(session.answer_line(line)).decode())


if __name__ == "__main__":
    main(sys.argv[1])
