"""One module a benchmark: its docstring's first line is its listing, `run(quick)` measures."""
