"""`python -m farm.workers MODULE`: a worker process. The server starts it; it is of no use by hand."""

import sys

from farm.workers.inside import live

live(sys.argv[1])
