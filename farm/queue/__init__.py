"""Jobs, prints, plates and dispatch: the one owner of what prints where."""
