"""Run the command line: python -m foveal."""

import sys

from foveal.cli.main import main

sys.exit(main())
