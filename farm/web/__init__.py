"""HTTP and WebSocket: translates requests into messages and answers back, and decides nothing."""
