"""How printers stood and prints came along: noted as it changes, and written in batches."""
