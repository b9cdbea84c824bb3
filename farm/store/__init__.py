"""The two SQLite files: one writer each, commits in groups, a start that never guesses, queries by noun."""
