"""Simulated PrusaLinks: the HTTP API of 0.8.1 over one machine. They push nothing."""
