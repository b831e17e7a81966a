"""Where a package's migrations are: a plain value, so that naming them needs no database driver."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class MigrationSource:
    """A folder of numbered SQL files under the name of the package whose tables they make."""

    name: str
    folder: Path
