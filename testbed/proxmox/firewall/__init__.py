"""The configuration of the firewall: options, rules, sets of addresses."""
