"""`python -m prorata`."""

import sys

from prorata.cli.main import main

sys.exit(main())
