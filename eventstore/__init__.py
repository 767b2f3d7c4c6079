"""The event log on PostgreSQL: append, read, outbox, checkpoints. Knows streams, not servers."""
