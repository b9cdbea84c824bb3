"""The loops over every byte and every move, compiled; what they keep between two pieces is in `scan`."""
