"""Smaller copies of G-code files that print the same."""
