"""Screens and serial lines, and the programs between them and the network."""
