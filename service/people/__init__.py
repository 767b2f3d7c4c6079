"""Users and customers as staff see them, and what staff do about them."""
