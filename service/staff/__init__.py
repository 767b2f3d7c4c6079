"""What only staff may see and do."""
