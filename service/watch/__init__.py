"""What staff watch: whether everything moves, what waits for them, and what room is left."""
