"""A shop of a thousand printers and more, and who looks at it."""
