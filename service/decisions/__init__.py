"""What staff decided beside single servers: recorded with who, why and when, and listed."""
