"""A plan written into the log, and taken back."""
