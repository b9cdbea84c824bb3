"""PrusaLink: an MK4, MINI, XL or CORE One by itself, and an MK2.5 or MK3 behind a Raspberry Pi."""
