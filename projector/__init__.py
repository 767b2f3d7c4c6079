"""Events to read models, live and by replay."""
