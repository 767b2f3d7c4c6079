"""Everything on one machine with sample data: what `scripts/demo` runs."""

from testbed.demo.program import main

__all__ = ["main"]
