"""Facts and states on their way to everybody who listens: rooms, outboxes, one actor per client."""
