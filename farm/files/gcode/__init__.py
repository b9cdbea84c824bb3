"""G-code read through once, move by move: how long, how far, how much, how hot, and what may do harm."""
