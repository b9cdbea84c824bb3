"""Simulated Moonrakers: the HTTP API and the JSON-RPC socket of 0.11.0 over a Klipper with one machine."""
