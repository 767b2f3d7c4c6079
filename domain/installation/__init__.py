"""What staff decide for the whole installation."""
