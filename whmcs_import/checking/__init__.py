"""What is here compared with what is there, by other code than the one that imported it."""
