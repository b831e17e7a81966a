"""The pages with demo data, kept up for a look: python -m scripts.pages (make pages)."""

from __future__ import annotations

import signal
import sys
from argparse import ArgumentParser

import msgspec

from eventlog.postgres.connect import acting_as
from eventlog.postgres.migrate import migrate
from prorata.demo.pages import ACCOUNTS, pages, show_accounts
from prorata.migrations import migrations
from prorata.roles import SERVICE, grant_rights, make_roles
from prorata.settings import Settings
from prorata.wiring import running
from service.catalogue_versions import demo_body


def as_service(settings: Settings) -> Settings:
    """The settings on a migrated database in which something is sold, with the service's rights."""
    migrate(settings.database_url, migrations())
    make_roles(settings.database_url)
    grant_rights(settings.database_url)
    served = msgspec.structs.replace(settings, database_url=acting_as(settings.database_url, SERVICE))
    with running(served) as system:
        system.catalogues.load(demo_body(), None, system.clock.now())
    return served


def main() -> int:
    """Serve them until Ctrl-C."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument(
        "--port", type=int, default=8080, help="of the pages; the card element has the next one"
    )
    port = parser.parse_args().port
    with pages(as_service(Settings.of()), port) as site:
        show_accounts(site)
        print(f"\nThe pages are at {site.url}. Each of these links signs in once, within 15 minutes:\n")
        for account, what in ACCOUNTS.items():
            print(f"  {account:6} {what}\n         {site.link(account)}")
        print(f"\nThe same in French:\n         {site.link('ada', 'fr')}")
        print(f"\nThe console is at {site.url}/console. Keys to sign in with:\n")
        for role in ("owner", "support", "finance", "operator"):
            print(f"  {role:9} {site.key(role)}")
        print("\nAny security code pays; 000 is declined, 001 waits for consent. Ctrl-C ends it.", flush=True)
        signal.sigwait({signal.SIGINT, signal.SIGTERM})
    return 0


if __name__ == "__main__":
    sys.exit(main())
