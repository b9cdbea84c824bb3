"""The commands of `farm`, a module each; what is heavy they import when they run."""
