"""`python -m testbed.demo`: the demo in the foreground."""

import sys

from testbed.demo import main

sys.exit(main())
