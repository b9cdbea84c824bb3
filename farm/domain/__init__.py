"""Values and transition tables of the shop. Nothing here waits, reads a clock or touches a disk."""
