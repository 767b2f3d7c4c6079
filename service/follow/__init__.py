"""Following the log, so that others are told of it: once each, whatever dies meanwhile."""
