"""A farm to look at: simulated printers at work, and simulated people around them."""
