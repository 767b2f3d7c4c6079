"""Events → read models: the live projection, its rebuild, and the tools that replay the log."""
