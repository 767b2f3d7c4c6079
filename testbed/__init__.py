"""Programs that speak like the real ones. Never imported by the product."""
