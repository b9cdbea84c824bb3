"""A farm that waits for a lost start a twelfth as long: for printers that answer within two seconds.

Where it is killed every few seconds, nothing would ever be concluded otherwise.
"""

from __future__ import annotations

import sys

from farm import __main__
from farm.printers import adoption

if __name__ == "__main__":
    adoption.BEGIN_WITHIN_S = 5.0
    sys.exit(__main__.main(sys.argv[1:]))
