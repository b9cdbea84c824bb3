"""The computer's clocks: notices that it slept, or that its time was set, and who has to hear of that."""
