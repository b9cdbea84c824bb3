"""Simulated OctoPrints: the REST API and the raw push socket of 1.11.8 over one machine."""
