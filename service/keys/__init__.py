"""SSH keys that people keep here, to give them to servers by their id."""
