"""Simulated heaters and prints, on which detectors are tuned and judged."""
