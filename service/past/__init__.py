"""The time machine: what was true at any moment, and what has happened since."""
