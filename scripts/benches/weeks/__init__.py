"""A week in a shop, played with whoever decides what is printed next."""
