"""Speed, measured here alone: ours and a peer by turns in one run, medians, one JSON line per figure."""
