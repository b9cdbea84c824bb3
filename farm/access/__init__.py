"""Who may do what: rights, passwords, keys, tokens. `rights.allowed` decides, everyone asks it."""
