"""`hostler-admin`: what an operator does from a shell."""
