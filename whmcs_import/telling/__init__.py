"""What a run says of itself, and when it stops."""
