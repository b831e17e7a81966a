"""Lets `python -m prorata` run the command line."""

import sys

from prorata.cli.main import main

sys.exit(main())
