"""The compiled heart of the search: everything about a plan as numbers, and the loops over them."""
