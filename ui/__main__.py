"""`python -m ui`: the wizard."""

import sys

from ui.application import main

sys.exit(main())
