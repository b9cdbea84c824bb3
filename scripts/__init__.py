"""What a person runs: serve, test, bench and lock. Nothing in farm/ imports from here."""
