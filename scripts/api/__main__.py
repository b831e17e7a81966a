"""Write the API's description, with examples that the real code made: `make api`.

It plays `scripts.api.story` against `prorata serve` on the database of PRORATA_DATABASE_URL, once migrated.
"""

from __future__ import annotations

import sys

from prorata.http.openapi import FILE
from prorata.settings import Settings
from scripts.api.description import description
from tests.support.command_line import CommandLine
from tests.support.http_api import api_at


def main() -> int:
    """Write the file."""
    url = Settings.of().database_url
    done = CommandLine(url)("migrate", "--roles")
    if done.exit_code:
        print(done.err, file=sys.stderr)
        return done.exit_code
    with api_at(url) as api:
        FILE.write_bytes(description(api))
    print(f"{FILE.name} is written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
