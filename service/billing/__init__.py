"""What a billing system wants of services, beside what is so, and how the one becomes the other."""
