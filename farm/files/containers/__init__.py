"""Every file that can be printed, opened the same way, whatever its G-code is packed in."""
