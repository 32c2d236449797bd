"""`python -m ui`, and the executable: the wizard, or what words ask for."""

import sys

from ui.program import main

sys.exit(main())
