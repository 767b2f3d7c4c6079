"""Other programs are told by HTTP of what happens: signed, in order, until they have heard it."""
