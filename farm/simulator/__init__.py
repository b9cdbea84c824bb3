"""Printers that exist only in a process of their own, for the demo, the tests and the benchmarks."""
