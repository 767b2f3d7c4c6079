"""The aggregates: events, state, commands, decisions. Pure: no clock, no randomness, no IO."""
