"""What an observer makes of a look at a cluster: every guest and every number of ours against the log."""
