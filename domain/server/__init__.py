"""A virtual server: events → state → commands → decide → steps → what the API shows of it."""
